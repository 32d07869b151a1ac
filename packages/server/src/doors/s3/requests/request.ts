import type { IncomingMessage, ServerResponse } from 'node:http'
import { TLSSocket } from 'node:tls'
import { newUuid } from '@holdfast/core/ids.ts'
import { anonymous, type Principal } from '@holdfast/core/principal.ts'
import { addressKey } from '@holdfast/core/rates/address-key.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import type { Context } from '../../../context.ts'
import { RequestBody } from '../../../http/body/request-body.ts'
import { clientAddress } from '../../../http/caller/client-address.ts'
import type { BodyBuffers } from '../../../http/direct/body-buffers.ts'
import type { WholeWriter } from '../../../http/direct/write-whole.ts'
import type { Admission, Visit } from '../../../http/limits/admission.ts'
import { splitUrl } from '../../../http/parse/raw-path.ts'
import { NO_OPERATION } from '../../../telemetry/request-tallies.ts'
import { type Trace, traceOf } from '../../../telemetry/trace.ts'
import { invalidArgument } from '../errors.ts'
import { requireHeader } from '../wire/header-text.ts'
import { RequestHeaders } from '../wire/headers.ts'
import { NO_QUERY, Query } from '../wire/query.ts'
import { type Address, addressOf } from './address.ts'

/** One request of this door, from its first byte to its last log line. */
export interface S3Request {
  readonly context: Context
  readonly raw: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly trace: Trace
  readonly startedMs: number
  readonly patience: Patience
  readonly writer: WholeWriter
  /** Memory for small bodies. */
  readonly buffers: BodyBuffers
  readonly body: RequestBody
  readonly method: string
  /** A socket that closed no longer tells. */
  readonly remote: string | undefined
  /** `X-Forwarded-For` as it came; fields of a form must not stand for it. */
  readonly forwarded: string | undefined
  /** Its way through the limits on callers. */
  readonly admission: Admission
  /** Of the request line, still encoded. */
  readonly path: string
  readonly headers: RequestHeaders
  /** What the log tells. */
  readonly told: Told
  /** CORS headers that the answer carries, refusals too. */
  readonly allowed: Record<string, string>
}

export interface Told {
  operation: string
  code: string | undefined
  principal: Principal
  /** Bucket and key, as far as they could be read. */
  resource: JsonObject
  sentBytes: number
  /** Of an operation on a list: the keys of what it removed. */
  removed?: readonly string[]
}

/** A request whose line could be read. */
export interface ReadRequest extends S3Request {
  /** Headers as they came; `headers` also holds what a presigned link says in their stead. */
  readonly wire: RequestHeaders
  readonly query: Query
  readonly address: Address
}

/** Whether somebody still waits. Most requests are over before anybody asks for its signal. */
export class Patience {
  readonly #visit: Pick<Visit, 'ip'>
  #abort: AbortController | undefined
  #over = false

  constructor(visit: Pick<Visit, 'ip'>) {
    this.#visit = visit
  }

  /** Address of whoever waits. */
  get ip(): string {
    return this.#visit.ip
  }

  /** Aborted when the client goes away or the server gives up. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#over) this.#abort.abort()
    }
    return this.#abort.signal
  }

  get over(): boolean {
    return this.#over
  }

  giveUp(): void {
    this.#over = true
    this.#abort?.abort()
  }
}

type Visited = Pick<S3Request, 'context' | 'response' | 'remote' | 'forwarded' | 'told'>

/**
 * A class: getters of an object literal give every object a hidden class of its own, which keeps
 * the whole request until a full collection. A small GET took four times as long.
 */
class S3Visit implements Visit {
  readonly response: ServerResponse
  readonly #visited: Visited

  constructor(visited: Visited) {
    this.response = visited.response
    this.#visited = visited
  }

  get ip(): string {
    return addressOfCaller(this.#visited)
  }

  get code(): string | undefined {
    return this.#visited.told.code
  }
}

/** What all requests of one server of this door share. */
export type Door = Pick<S3Request, 'context' | 'writer' | 'buffers'>

/** What one server of this door makes of a request that has just begun. */
export function beginRequest(
  { context, writer, buffers }: Door,
  raw: IncomingMessage,
  response: ServerResponse,
): S3Request {
  const { clock, random, pace } = context
  // Node makes its own object of them only when it is asked for: small requests never do.
  const headers = new RequestHeaders(raw.rawHeaders)
  const forwarded = headers.get('x-forwarded-for')
  const remote = raw.socket.remoteAddress
  const told: Told = {
    operation: NO_OPERATION,
    code: undefined,
    principal: anonymous,
    resource: {},
    sentBytes: 0,
  }
  const visit = new S3Visit({ context, response, remote, forwarded, told })
  return {
    context,
    raw,
    response,
    requestId: newUuid(clock, random),
    trace: traceOf(headers.get('traceparent'), random),
    startedMs: clock.monotonic(),
    patience: new Patience(visit),
    writer,
    buffers,
    body: new RequestBody(raw, response, pace),
    method: raw.method ?? '',
    remote,
    forwarded,
    admission: context.limits.admission(visit),
    path: splitUrl(raw.url ?? '').path,
    headers,
    told,
    allowed: {},
  }
}

/** As far as it can be believed. */
export function addressOfCaller({
  context,
  remote,
  forwarded,
}: Pick<S3Request, 'context' | 'remote' | 'forwarded'>): string {
  return clientAddress({ remote, forwarded }, context.proxies)
}

/** Waited for before much is done at once; undefined where it may be. */
export function turnOf(request: S3Request): Promise<void> | undefined {
  return request.context.turns.take(() => addressKey(addressOfCaller(request)))
}

export function readRequest(request: S3Request): ReadRequest {
  const { path, query: text } = splitUrl(request.raw.url ?? '')
  const { s3Domains } = request.context.settings
  const query = text === '' ? NO_QUERY : new Query(text)
  const isLink = query.has('X-Amz-Signature') || query.has('Signature')
  return {
    ...request,
    wire: request.headers,
    headers: isLink ? request.headers.with(hoistedHeaders(query)) : request.headers,
    query,
    address: addressOf(path, request.headers.get('host'), s3Domains),
  }
}

/** Those of SigV4 itself, and checksums, which AWS ignores in links: nobody knows the body yet. */
const NOT_HOISTED =
  /^x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256|sdk-.*|checksum-.*|trailer|decoded-.*)$/
/** In a link of version 2 nothing says so by itself: what was signed about the body holds. */
const NOT_HOISTED_OLD = /^x-amz-(date|security-token|sdk-.*)$/

/**
 * SDKs move `x-amz-` headers of links into their query, where the signature covers them. That of
 * version 2 covers lines: a name in two spellings, or one line that holds two, would be another
 * request with the same signature.
 */
function hoistedHeaders(query: Query): Map<string, string> {
  const hoisted = new Map<string, string>()
  const seen = new Set<string>()
  const left = query.has('X-Amz-Signature') ? NOT_HOISTED : NOT_HOISTED_OLD
  for (const name of query.names()) {
    const header = name.toLowerCase()
    if (!header.startsWith('x-amz-')) continue
    const value = requireHeader(header, query.get(name) ?? '')
    if (seen.has(header)) throw invalidArgument(name, '', `${header} is given more than once.`)
    seen.add(header)
    if (!left.test(header)) hoisted.set(header, value)
  }
  return hoisted
}

export function isSecure(request: S3Request): boolean {
  return request.raw.socket instanceof TLSSocket
}
