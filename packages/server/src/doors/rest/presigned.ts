import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { mediaType } from '@holdfast/core/names.ts'
import { openLink, presignDownload, presignUpload } from '@holdfast/engine/access/links/presign.ts'
import { defaultService } from '@holdfast/engine/access/named-owner.ts'
import { rightsMoment } from '@holdfast/engine/access/rights-now.ts'
import { bucketOf } from '@holdfast/engine/assets/find-asset.ts'
import { getAsset, openContent } from '@holdfast/engine/assets/get.ts'
import { putAsset } from '@holdfast/engine/assets/put.ts'
import { openVersion } from '@holdfast/engine/versions/open.ts'
import { publicUrl } from '../../http/caller/public-url.ts'
import { tellChanged } from '../../http/caller/tell-changed.ts'
import { writeConditions } from '../../http/content/conditions.ts'
import { sendContent } from '../../http/content/send-content.ts'
import type { Operations, Scope, Sent } from '../../http/exchange.ts'
import { turnToBucket } from '../../http/limits/turn-to-bucket.ts'
import { withFields } from '../../http/limits/with-fields.ts'
import { stored } from './assets.ts'
import { ownerOf, rawFacts } from './raw-facts.ts'

type Names = 'presignDownload' | 'presignUpload' | 'openLink' | 'headLink' | 'putLink'

export const presignedOperations: Pick<Operations, Names> = {
  presignDownload: async exchange => {
    const { context, call, params, query } = exchange
    const { version } = query
    const { token, expiresAt } = await presignDownload(context.engine, call, {
      assetId: params.id,
      version,
      expiresInS: query.expiration,
    })
    const which = version === undefined ? {} : { version: String(version) }
    tellChanged(exchange, { ...which, expires_at: expiresAt })
    return { url: linkUrl(exchange, token), method: 'GET', expires_at: expiresAt }
  },

  presignUpload: async exchange => {
    const { context, call, body } = exchange
    tellChanged(exchange, { bucket: body.bucket, key: body.key })
    const { token, expiresAt } = await presignUpload(context.engine, call, {
      bucket: body.bucket,
      key: body.key,
      sizeMax: body.size_max ?? context.engine.limits.uploadBytesMax,
      contentType: body.content_type,
      expiresInS: body.expiration,
      service: body.service ?? defaultService,
      ownerId: ownerOf(call.principal, body.owner_id),
    })
    tellChanged(exchange, { expires_at: expiresAt })
    const { content_type: contentType } = body
    return {
      url: linkUrl(exchange, token),
      method: 'PUT',
      expires_at: expiresAt,
      headers: contentType === undefined ? {} : { 'Content-Type': contentType },
    }
  },

  openLink: async exchange => await download(exchange, exchange.params.token),
  headLink: async exchange => await download(exchange, exchange.params.token),

  putLink: async exchange => {
    const { context, bytes } = exchange
    const { engine } = context
    const moment = rightsMoment(engine)
    const { link, principal } = await openLink(engine, exchange.params.token, 'PUT')
    if (link.method !== 'PUT') throw new HoldfastError('LINK_INVALID')
    tellChanged(exchange, { bucket: link.bucket, key: link.key })
    const call = await actingAs(exchange, principal, moment)
    await turnToBucket(exchange, link.bucket)
    const { length, expected, contentType } = rawFacts(exchange)
    const { ifMatch, ifNoneMatch } = writeConditions(exchange.request.headers)
    const type = pinnedType(link.contentType, contentType)
    const { asset, outcome } = await putAsset(engine, call, {
      mode: 'replace',
      bucket: link.bucket,
      bucketId: link.bucketId,
      key: link.key,
      service: link.service,
      ownerId: link.ownerId,
      contentType: type,
      sizeMax: link.sizeMax,
      source: bytes.source(link.sizeMax),
      length,
      expected,
      ifMatch,
      ifNoneMatch,
    })
    return await stored(exchange, asset, outcome === 'created' ? 201 : 200)
  },
}

async function download(scope: Scope, token: string): Promise<Sent> {
  const { engine } = scope.context
  const moment = rightsMoment(engine)
  const { link, principal } = await openLink(engine, token, scope.request.method)
  if (link.method !== 'GET') throw new HoldfastError('LINK_INVALID')
  const call = await actingAs(scope, principal, moment)
  let asset = await getAsset(engine, call, link.assetId)
  await turnToBucket(scope, (await bucketOf(engine, asset)).name)
  const renewing = scope.request.state.renew()
  if (renewing !== undefined) {
    await renewing
    asset = await getAsset(engine, call, link.assetId)
  }
  const content =
    link.version === null
      ? await openContent(engine, call, { asset })
      : await openVersion(engine, call, { asset, version: link.version })
  return await sendContent(scope, content)
}

/** From here on the log and the engine know who answers for what the link does. */
async function actingAs(
  { request: { state }, reply }: Scope,
  principal: Call['principal'],
  moment: number,
): Promise<Call> {
  state.identify(principal, moment)
  // What is renewed is the last call, and the one before was a stranger's.
  state.call()
  await withFields(reply, state.admission.principal(principal))
  // Those who count may be slow.
  await state.renew()
  return state.call()
}

function pinnedType(pinned: string | null, sent: string | undefined): string | undefined {
  if (pinned === null || pinned === sent) return sent
  if (sent !== undefined && mediaType(sent) === mediaType(pinned)) return pinned
  throw new HoldfastError('LINK_INVALID', { reason: 'another content type is pinned' })
}

function linkUrl(scope: Scope, token: string): string {
  return `${publicUrl(scope)}/api/v2/presigned/${token}`
}
