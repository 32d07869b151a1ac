import type { Principal } from '@holdfast/core/principal.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { hasScope } from '@holdfast/engine/access/decide.ts'
import { putAsset } from '@holdfast/engine/assets/put.ts'
import type { Context } from '../../../context.ts'
import { type Received, receivedBefore } from '../../../http/body/request-body.ts'
import { peekPrincipal } from '../../../http/caller/authenticate.ts'
import { etagOf } from '../../../http/content/conditions.ts'
import { BodyBuffers, gather, SMALL_BYTES_MAX } from '../../../http/direct/body-buffers.ts'
import type { Direct, DirectExchange } from '../../../http/direct/direct-first.ts'
import { type PutHeaders, putHeaders } from '../../../http/direct/put-headers.ts'
import {
  canWriteWhole,
  prepareHead,
  requestIdField,
  WholeWriter,
} from '../../../http/direct/write-whole.ts'
import { trackRequest } from '../../../http/record-request.ts'
import { RequestState } from '../../../http/request-state.ts'
import { securityHeaders } from '../../../http/security-headers.ts'
import { declaredType, defaultService, ownerOf } from '../raw-facts.ts'
import { assetPath, assetWire } from '../wire/asset-wire.ts'

/** Keys that are written as they are: no escapes, no query, nothing a router would change. */
const PLACE = /^\/api\/v2\/buckets\/([a-z0-9.-]+)\/assets\/([\w~.!$&'()*+,;=:@/-]+)$/

interface PlainPut {
  readonly bucket: string
  readonly key: string
  readonly headers: PutHeaders
  readonly principal: Principal
}

/**
 * Answers plain PUTs of small bodies without the framework, which costs as much as the engine does.
 * Only successes are answered here. What is refused is told the way of all requests: it gets the
 * body, which was read already, and refuses again, with words.
 */
export function directPuts(context: Context): Direct {
  const writer = new WholeWriter(context.clock)
  const buffers = new BodyBuffers()
  const headers = {
    ...securityHeaders(context.settings),
    'content-type': 'application/json; charset=utf-8',
  }
  const created = prepareHead(headers, '201 Created') ?? ''
  const replaced = prepareHead(headers) ?? ''
  return exchange => {
    if (exchange.request.method !== 'PUT') return false
    const put = plainPut(context, exchange)
    if (put === undefined) return false
    exchange.enter()
    const state = new RequestState(context, exchange, put.headers.requestId ?? '')
    state.principal = put.principal
    context.load.active += 1
    const memory = buffers.take(put.headers.length)
    void serve(state, put, memory).then(done => {
      context.load.active -= 1
      // What has to be asked again is read from this memory once more.
      if (!('again' in done)) buffers.giveBack(memory)
      if ('again' in done) {
        // The way of all requests meets the same failure, and has the words for it.
        receivedBefore.set(exchange.request, done.again)
        exchange.otherwise()
      } else if (canWriteWhole(exchange.response)) {
        trackRequest(state, () => 'putByKey')
        exchange.response.statusCode = done.created ? 201 : 200
        const head = `${done.created ? created : replaced}${done.fields}`
        const fields = requestIdField(state.requestId)
        writer.write(exchange.response, head, { fields, bytes: done.bytes })
      }
    })
    return true
  }
}

type Done =
  | { readonly again: Received }
  | { readonly created: boolean; readonly fields: string; readonly bytes: Uint8Array }

/** Never rejects. */
async function serve(state: RequestState, put: PlainPut, memory: Buffer): Promise<Done> {
  const received = await receive(state, memory)
  if ('error' in received) return { again: received }
  const { engine } = state.context
  const { bucket, key, headers, principal } = put
  try {
    const { asset, outcome } = await putAsset(engine, state.call(), {
      bucket,
      key,
      length: headers.length,
      contentType: declaredType(headers.contentType),
      mode: 'replace',
      source: arrived(received.chunks),
      service: defaultService,
      ownerId: ownerOf(principal, undefined),
    })
    const bytes = Buffer.from(JSON.stringify(await assetWire(engine, asset)))
    return { created: outcome === 'created', fields: fieldsOf(asset, bytes.length), bytes }
  } catch {
    return { again: received }
  }
}

async function receive(state: RequestState, memory: Buffer): Promise<Received> {
  try {
    const bytes = await gather(state.body.source(SMALL_BYTES_MAX), memory)
    return { chunks: bytes.length === 0 ? [] : [bytes] }
  } catch (error) {
    return { error }
  }
}

function plainPut(context: Context, { request, response }: DirectExchange): PlainPut | undefined {
  const { engine, load, settings } = context
  // Whoever wants every change in the audit log gets it from the way of all requests.
  if (settings.auditData) return undefined
  if (load.stopping || load.active >= settings.requestsMax) return undefined
  if (!canWriteWhole(response) || request.httpVersionMinor !== 1) return undefined
  const [, bucket, key] = PLACE.exec(request.url ?? '') ?? []
  if (bucket === undefined || key === undefined) return undefined
  const headers = putHeaders(request.rawHeaders)
  if (headers === undefined || headers.length > SMALL_BYTES_MAX) return undefined
  const principal = peekPrincipal(engine, headers)
  if (principal === undefined || !hasScope(principal, 'assets:write')) return undefined
  return { bucket, key, headers, principal }
}

async function* arrived(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

function fieldsOf(asset: Asset, length: number): string {
  const { id, sha256 } = asset
  return `etag: ${etagOf(sha256)}\r\nlocation: ${assetPath(id)}\r\ncontent-length: ${length}\r\n`
}
