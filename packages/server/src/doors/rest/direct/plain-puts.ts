import type { Call } from '@holdfast/core/call.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { hasScope } from '@holdfast/engine/access/decide.ts'
import { defaultService } from '@holdfast/engine/access/named-owner.ts'
import { rightsMoment } from '@holdfast/engine/access/rights-now.ts'
import { type PutInput, putAsset } from '@holdfast/engine/assets/put.ts'
import type { Context } from '../../../context.ts'
import { peekPrincipal } from '../../../http/caller/authenticate.ts'
import { etagOf } from '../../../http/content/conditions.ts'
import { BodyBuffers, SMALL_BYTES_MAX } from '../../../http/direct/body-buffers.ts'
import type { PutHeaders } from '../../../http/direct/put-headers.ts'
import {
  type PreparedHead,
  prepareHead,
  WholeWriter,
  type WireText,
  wireText,
} from '../../../http/direct/write-whole.ts'
import { securityHeaders } from '../../../http/security-headers.ts'
import { declaredType, ownerOf } from '../raw-facts.ts'
import { assetPath } from '../wire/asset-wire.ts'
import { storedWire } from '../wire/told-wire.ts'

/** Keys that are written as they are: no escapes, no query, nothing a router would change. */
const PLACE = /^\/api\/v2\/buckets\/([a-z0-9.-]+)\/assets\/([\w~.!$&'()*+,;=:@/-]+)$/

export interface PlainPut {
  readonly bucket: string
  readonly key: string
  readonly headers: PutHeaders
  readonly principal: Principal
  /** Of the rights by which the principal was found. */
  readonly moment: number
}

/** A success, ready to be written. */
export interface Stored {
  readonly status: 200 | 201
  readonly head: PreparedHead
  readonly text: WireText
}

/** Finds what plain PUTs of small bodies want, stores it, and keeps the heads of the answers. */
export class PlainPuts {
  readonly writer: WholeWriter
  readonly buffers = new BodyBuffers()
  readonly #context: Context
  readonly #created: PreparedHead
  readonly #replaced: PreparedHead

  constructor(context: Context) {
    const headers = {
      ...securityHeaders(context.settings),
      'content-type': 'application/json; charset=utf-8',
    }
    this.#context = context
    this.writer = new WholeWriter(context.clock)
    this.#created = prepareHead(headers, '201 Created') ?? ''
    this.#replaced = prepareHead(headers) ?? ''
  }

  /** Undefined says nothing: the way of all requests knows, and says why. */
  find(url: string, headers: PutHeaders): PlainPut | undefined {
    const { engine, load, settings } = this.#context
    // Whoever wants every change in the audit log gets it from the way of all requests.
    if (settings.auditData) return undefined
    if (load.stopping || load.active >= settings.requestsMax) return undefined
    if (headers.length > SMALL_BYTES_MAX) return undefined
    const [, bucket, key] = PLACE.exec(url) ?? []
    if (bucket === undefined || key === undefined) return undefined
    const principal = peekPrincipal(engine, headers)
    if (principal === undefined || !hasScope(principal, 'assets:write')) return undefined
    return { bucket, key, headers, principal, moment: rightsMoment(engine) }
  }

  /** Undefined where it is refused or fails: that is told on the way of all requests. */
  async store(put: PlainPut, call: Call, bytes: Uint8Array): Promise<Stored | undefined> {
    const { engine } = this.#context
    const { principal, moment } = put
    // While the body came, its sender may have been shut out.
    if (moment !== rightsMoment(engine)) return undefined
    try {
      const { asset, outcome } = await putAsset(engine, call, this.inputOf(put, bytes))
      const isNew = outcome === 'created'
      const record = await storedWire({ engine, principal }, asset, isNew)
      const text = wireText(JSON.stringify(record))
      const head = (isNew ? this.#created : this.#replaced) + fieldsOf(asset, text.length)
      return { status: isNew ? 201 : 200, head, text }
    } catch {
      return undefined
    }
  }

  /** What is to be stored, and how. */
  protected inputOf({ bucket, key, headers, principal }: PlainPut, bytes: Uint8Array): PutInput {
    return {
      bucket,
      key,
      length: headers.length,
      contentType: declaredType(headers.contentType),
      mode: 'replace',
      source: bytes,
      service: defaultService,
      ownerId: ownerOf(principal, undefined),
    }
  }
}

function fieldsOf(asset: Asset, length: number): string {
  const { id, sha256 } = asset
  return `etag: ${etagOf(sha256)}\r\nlocation: ${assetPath(id)}\r\ncontent-length: ${length}\r\n`
}
