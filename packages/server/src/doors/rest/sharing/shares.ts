import { isDeepStrictEqual } from 'node:util'
import type { ShareCreate } from '@holdfast/contract/schemas/share.ts'
import { HoldfastError, invalidFields, isHoldfastError } from '@holdfast/core/errors.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import {
  countUse,
  listShared,
  type OpenedShare,
  openShare,
  type SharedPage,
  shareContent,
  shareNow,
} from '@holdfast/engine/sharing/open-share.ts'
import {
  createShare,
  getShare,
  listShares,
  revokeShare,
  type WantedTarget,
} from '@holdfast/engine/sharing/shares.ts'
import { basicCredentials } from '../../../http/caller/basic-credentials.ts'
import { publicUrl } from '../../../http/caller/public-url.ts'
import { tellChanged } from '../../../http/caller/tell-changed.ts'
import { sendContent } from '../../../http/content/send-content.ts'
import { type Operations, type Scope, type Sent, sent } from '../../../http/exchange.ts'
import { makeLongPage } from '../../../http/limits/long-page.ts'
import { holdAnswer } from '../../../http/send-json.ts'
import { filePage, filePagePolicy } from './file-page.ts'
import { limitVisit } from './share-limits.ts'
import { filePath, shareWire } from './share-wire.ts'

type Names =
  | 'createShare'
  | 'listShares'
  | 'getShare'
  | 'revokeShare'
  | 'describeShare'
  | 'openShare'
  | 'headShare'
  | 'openSharedFile'
  | 'headSharedFile'

export const shareOperations: Pick<Operations, Names> = {
  createShare: async exchange => {
    const { context, call, body, reply, request } = exchange
    const { expires_in: expiresInS, uses_max: usesMax, password, note } = body
    const target = targetOf(body)
    const asked = 'assetId' in target ? { asset_id: target.assetId } : { bucket: target.bucket }
    tellChanged(exchange, { ...asked, ...('prefix' in target && { prefix: target.prefix }) })
    const input = { target, expiresInS, usesMax, password, note }
    const { token, ...shown } = await createShare(context.engine, call, input)
    const wire = shareWire(shown)
    request.state.told = { before: null, after: wire }
    reply.header('location', `/api/v2/shares/${wire.id}`)
    return { ...wire, url: `${publicUrl(exchange)}/s/${token}` }
  },

  listShares: async ({ context, call, query, request }) => {
    const { limit = 100, offset = 0, all, bucket, state } = query
    const { maker_id: makerId, asset_id: assetId } = query
    const filter = { makerId, all, assetId, bucket, state, limit, offset }
    const { items, total } = await listShares(context.engine, call, filter)
    request.state.showsOthers = items.some(({ share }) => share.belongsTo !== call.principal.id)
    return { items: items.map(shareWire), total, limit, offset }
  },

  getShare: async ({ context, call, params, request }) => {
    const shown = await getShare(context.engine, call, params.id)
    request.state.showsOthers = shown.share.belongsTo !== call.principal.id
    return shareWire(shown)
  },

  revokeShare: async ({ context, call, params, request }) => {
    const before = shareWire(await getShare(context.engine, call, params.id))
    await revokeShare(context.engine, call, params.id)
    request.state.told = { before, after: null }
    return undefined
  },

  describeShare: async exchange => {
    const { token } = exchange.params
    const opened = await open(exchange, token)
    const { usesMax, uses, target, expiresAt } = opened.share
    const { items, total, nextCursor } = await filesOf(exchange, opened, exchange.query)
    const base = publicUrl(exchange)
    return {
      kind: target.kind,
      expires_at: expiresAt,
      uses_left: usesMax === null ? null : Math.max(0, usesMax - uses),
      files: items.map(({ key, asset }) => ({
        key,
        name: asset.name,
        size: asset.size,
        content_type: asset.contentType,
        updated_at: asset.contentAt,
        url: base + (target.kind === 'asset' ? `/s/${token}` : filePath(token, key)),
      })),
      total,
      ...(nextCursor === undefined ? {} : { next_cursor: nextCursor }),
    }
  },

  openShare: async exchange => await visit(exchange, exchange.params.token, exchange.query),
  headShare: async exchange => await visit(exchange, exchange.params.token, exchange.query),
  openSharedFile: async exchange => await download(exchange, exchange.params),
  headSharedFile: async exchange => await download(exchange, exchange.params),
}

function targetOf({ asset_id: assetId, version, bucket, prefix }: ShareCreate): WantedTarget {
  if (assetId !== undefined) {
    if (bucket === undefined && prefix === undefined) return { assetId, version }
    throw invalidFields({ path: 'bucket', problem: 'cannot be given beside asset_id' })
  }
  if (bucket === undefined) {
    throw invalidFields({ path: 'asset_id', problem: 'asset_id or bucket is needed' })
  }
  if (version === undefined) return { bucket, prefix: prefix ?? '' }
  throw invalidFields({ path: 'version', problem: 'belongs to asset_id' })
}

async function filesOf(
  scope: Scope,
  opened: OpenedShare,
  query: { readonly limit?: number; readonly cursor?: string },
): Promise<SharedPage> {
  if (opened.share.target.kind === 'prefix') {
    return await pageNow(scope, opened, query)
  }
  const { asset, size, contentType, modifiedAt } = await contentOf(scope, opened)
  const shown = { ...asset, size, contentType, contentAt: modifiedAt }
  return { items: [{ key: asset.name, asset: shown }], total: 1 }
}

const LOOKS_MAX = 5

/** A page is found in turns: anew where rights changed meanwhile, maybe those of the maker. */
async function pageNow(
  scope: Scope,
  opened: OpenedShare,
  query: { readonly limit?: number; readonly cursor?: string },
): Promise<SharedPage> {
  const { engine } = scope.context
  let now = opened
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const before = now
    const page = await telling(scope, async () => await listShared(engine, before, query))
    now = await openedNow(scope, opened)
    if (isDeepStrictEqual(now.call.principal, before.call.principal)) return page
  }
  throw new HoldfastError('CHANGED_MEANWHILE')
}

interface VisitQuery {
  readonly cursor?: string
  readonly key?: string
}

async function visit(scope: Scope, token: string, { key, ...query }: VisitQuery): Promise<Sent> {
  if (key !== undefined && query.cursor !== undefined) {
    throw invalidFields({ path: 'cursor', problem: 'cannot be given beside key' })
  }
  const opened = await open(scope, token)
  if (key !== undefined) {
    tellChanged(scope, { key })
    return await send(scope, opened, key)
  }
  const { target, expiresAt } = opened.share
  if (target.kind === 'asset') return await send(scope, opened)
  const { engine } = scope.context
  const name = target.prefix.split('/').findLast(part => part !== '') ?? target.bucket
  const page = await makeLongPage(scope, async () => {
    const files = await filesOf(scope, opened, { limit: engine.limits.pageItemsMax, ...query })
    return filePage(files, { token, title: name, expiresAt })
  })
  holdAnswer(scope.request.state, Buffer.byteLength(page))
  scope.reply.header('content-security-policy', filePagePolicy)
  scope.reply.code(200).type('text/html; charset=utf-8')
  await scope.reply.send(page)
  return sent
}

async function download(scope: Scope, params: { token: string; key: string }): Promise<Sent> {
  return await send(scope, await open(scope, params.token), params.key)
}

/** From here on the log and the engine know who answers for what the link does. */
async function open(scope: Scope, token: string): Promise<OpenedShare> {
  const { context, call, request, reply } = scope
  reply.header('x-robots-tag', 'noindex, nofollow')
  const opened = await telling(scope, async () => {
    const password = basicCredentials(request.headers.authorization)?.password
    return await openShare(context.engine, call, { token, password })
  })
  request.state.principal = opened.call.principal
  request.state.told = { share_id: opened.share.id }
  await limitVisit(scope, opened)
  return await openedNow(scope, opened)
}

/** Whoever came by it waited, maybe for long: it must be good still. */
async function openedNow(scope: Scope, { call, share }: OpenedShare): Promise<OpenedShare> {
  return await telling(scope, async () => await shareNow(scope.context.engine, call, share.id))
}

async function contentOf(scope: Scope, opened: OpenedShare, key?: string) {
  return await telling(scope, async () => await shareContent(scope.context.engine, opened, key))
}

async function send(scope: Scope, opened: OpenedShare, key?: string): Promise<Sent> {
  const content = await contentOf(scope, opened, key)
  const { request, context } = scope
  const beforeBytes = async () => {
    const { uses } = await telling(scope, async () => await countUse(context.engine, opened))
    request.state.told = { ...request.state.told, use: uses }
  }
  const whole = opened.share.usesMax !== null
  return await sendContent(scope, content, { noStore: true, whole, beforeBytes })
}

/** The audit log learns why a link opened nothing; who came with it does not. */
async function telling<T>({ request }: Scope, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isHoldfastError(error)) request.state.told = { ...request.state.told, ...whyOf(error) }
    throw error
  }
}

function whyOf({ code, cause }: HoldfastError): JsonObject {
  if (code !== 'SHARE_NOT_FOUND') return {}
  if (isHoldfastError(cause)) return { reason: cause.code }
  return { reason: typeof cause === 'string' ? cause : 'ended meanwhile' }
}
