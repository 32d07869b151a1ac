import { findAsset } from '@holdfast/engine/assets/find-asset.ts'
import { getAsset, openContent } from '@holdfast/engine/assets/get.ts'
import { findVersion } from '@holdfast/engine/versions/find-version.ts'
import { openVersion } from '@holdfast/engine/versions/open.ts'
import { sendContent } from '../../http/content/send-content.ts'
import type { Operations, Scope, Sent } from '../../http/exchange.ts'

type Names = 'headAsset' | 'downloadAsset' | 'headDownload' | 'downloadVersion' | 'headVersion'

export const contentOperations: Pick<Operations, Names> = {
  headAsset: async exchange => await download(exchange, { id: exchange.params.id }),
  downloadAsset: async exchange => {
    return await download(exchange, { id: exchange.params.id, ...exchange.query })
  },
  headDownload: async exchange => {
    return await download(exchange, { id: exchange.params.id, ...exchange.query })
  },
  downloadVersion: async exchange =>
    await downloadVersion(exchange, exchange.params, exchange.query),
  headVersion: async exchange => await downloadVersion(exchange, exchange.params, exchange.query),
}

async function download(
  scope: Scope,
  wanted: { id: string; version?: number; inline?: boolean },
): Promise<Sent> {
  const { context, call } = scope
  const asset = await getAsset(context.engine, call, wanted.id)
  const { version } = wanted
  const content =
    version === undefined
      ? await openContent(context.engine, call, { asset })
      : await openVersion(context.engine, call, { asset, version })
  return await sendContent(scope, content, wanted)
}

async function downloadVersion(
  scope: Scope,
  params: { id: string; version_id: string },
  options: { inline?: boolean },
): Promise<Sent> {
  const { context, call } = scope
  const permission = 'versions:read'
  const { engine } = context
  const asset = await findAsset(engine, call, { id: params.id, permission, deleted: 'hide' })
  const version = await findVersion(engine.catalog.view, asset, params.version_id)
  const content = await openContent(engine, call, { asset, version, permission })
  return await sendContent(scope, content, options)
}
