import { isHoldfastError } from '@holdfast/core/errors.ts'
import { addLink, removeLink } from '@holdfast/engine/assets/links.ts'
import { mergeMetadata, updateAsset } from '@holdfast/engine/assets/update.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import { verifyStore } from '@holdfast/engine/integrity/verify.ts'
import { removeQuota, setQuota } from '@holdfast/engine/quotas/quotas.ts'
import { pruneVersions } from '@holdfast/engine/versions/prune.ts'
import { removeVersion } from '@holdfast/engine/versions/remove.ts'
import { rollbackVersion } from '@holdfast/engine/versions/rollback.ts'
import { tagVersion } from '@holdfast/engine/versions/update.ts'
import type { Act, Drawn } from './act.ts'
import { answered } from './content-commands.ts'
import { type ModelAsset, type ModelState, type ModelVersion, shownOf } from './model-state.ts'
import { requireEqual, type StoreUnderModel, sha256Of } from './store-under-model.ts'

const hourMs = 60 * 60 * 1000
const graceMs = 24 * hourMs
const quota = { scope: 'bucket', name: 'photos' } as const

function versionOf({ asset, number }: Drawn): ModelVersion | undefined {
  return asset?.versions.find(version => version.number === number && !version.hidden)
}

function liveProblem(asset: ModelAsset): string | undefined {
  return asset.deleted ? 'ASSET_DELETED' : undefined
}

function versionProblem(drawn: Drawn & { readonly asset: ModelAsset }): string | undefined {
  return (
    liveProblem(drawn.asset) ?? (versionOf(drawn) === undefined ? 'VERSION_NOT_FOUND' : undefined)
  )
}

/** What is said about assets and versions. */
export const recordActs: Readonly<Record<string, Act>> = {
  async metadata({ real }, { asset, number, body }) {
    if (asset === undefined) return undefined
    const value = body === 0 ? null : body
    const patch = { [`m${number}`]: value }
    const work = mergeMetadata(real.engine, real.call, asset.id, patch)
    if ((await answered(work, liveProblem(asset))) === undefined) return asset
    if (value === null) delete asset.metadata[`m${number}`]
    else asset.metadata[`m${number}`] = value
    return asset
  },

  async tags({ real }, { asset, number }) {
    if (asset === undefined) return undefined
    const tags = ['x', 'y', 'z'].slice(0, number % 4)
    const work = updateAsset(real.engine, real.call, asset.id, { tags })
    if ((await answered(work, liveProblem(asset))) !== undefined) asset.tags = tags
    return asset
  },

  async link({ model, real }, { asset, other }) {
    if (asset === undefined || other === undefined) return undefined
    const link = `${asset.id} ${other.id} about`
    try {
      await addLink(real.engine, real.call, asset.id, { type: 'about', to: other.id })
      if (asset.deleted || other.deleted) throw new Error('a link to or from a deleted asset')
      model.links.add(link)
    } catch (error) {
      if (!isHoldfastError(error) || error.kind === 'internal') throw error
      const fits = asset.deleted || other.deleted || asset === other || model.links.has(link)
      if (!fits) throw error
    }
    return asset
  },

  async unlink({ model, real }, { asset }) {
    if (asset === undefined || asset.deleted) return asset
    const links = await real.engine.catalog.view.links.of({ assetId: asset.id, limit: 1 })
    const [link] = links
    if (link === undefined) return asset
    await removeLink(real.engine, real.call, asset.id, link.id)
    model.links.delete(`${link.fromId} ${link.toId} ${link.type}`)
    return asset
  },

  async rollback({ model, real }, drawn) {
    const { asset, number: version } = drawn
    if (asset === undefined) return undefined
    const old = versionOf(drawn)
    const work = rollbackVersion(real.engine, real.call, { assetId: asset.id, version })
    const done = await answered(work, versionProblem({ ...drawn, asset }))
    if (done === undefined || old === undefined) return asset
    model.append(asset, old.body)
    for (const key of ['rollback_from', 'rollback_at']) delete asset.metadata[key]
    return asset
  },

  async 'drop version'({ real }, drawn) {
    const { asset, number: version } = drawn
    if (asset === undefined) return undefined
    const isShown = versionOf(drawn) === shownOf(asset)
    const expected =
      versionProblem({ ...drawn, asset }) ?? (isShown ? 'VERSION_CURRENT' : undefined)
    const work = removeVersion(real.engine, real.call, { assetId: asset.id, version })
    await answered(
      work.then(() => true),
      expected,
    )
    const dropped = versionOf(drawn)
    if (expected === undefined && dropped !== undefined) dropped.hidden = true
    return asset
  },

  async 'tag version'({ real }, drawn) {
    const { asset, number, body } = drawn
    const version = versionOf(drawn)
    if (asset === undefined || version === undefined || asset.deleted) return asset
    // Tags name one version each, so a name that was never used before is drawn.
    const name = `t-${number}-${body}-${version.tags}`
    const work = tagVersion(
      real.engine,
      real.call,
      { assetId: asset.id, version: number },
      { name },
    )
    await work.then(
      () => {
        version.tags += 1
      },
      error => {
        if (!isHoldfastError(error) || error.code !== 'VERSION_TAG_EXISTS') throw error
      },
    )
    return asset
  },

  async prune({ real }, { asset, number: keep }) {
    if (asset === undefined) return undefined
    const work = pruneVersions(real.engine, real.call, asset.id, { keep })
    const result = await answered(work, liveProblem(asset))
    if (result === undefined) return asset
    const kept = asset.versions.filter(({ hidden }) => !hidden).sort((a, b) => b.number - a.number)
    const shown = shownOf(asset)
    const gone = kept.slice(keep).filter(one => one !== shown && one.tags === 0)
    const numbers = result.pruned.map(({ number }) => number)
    requireEqual(
      numbers,
      gone.map(({ number }) => number),
      'what prune took',
    )
    for (const version of gone) version.hidden = true
    return asset
  },

  async quota({ model, real }, { number, body }) {
    if (body < 3 && model.assetsMax !== undefined) {
      await removeQuota(real.engine, real.call, quota)
      model.assetsMax = undefined
    } else {
      await setQuota(real.engine, real.call, quota, { assetsMax: number * 3 })
      model.assetsMax = number * 3
    }
    return undefined
  },
}

/** What the store does by itself, and what is done to it. */
export const upkeepActs: Readonly<Record<string, Act>> = {
  async collect({ model, real }, { number, body }) {
    await real.clock.advance(number * body * hourMs)
    await collectAndCompare(model, real)
    return undefined
  },

  async 'clock jump'({ real }, { number }) {
    const jumpMs = [-hourMs, 24 * hourMs, 400 * 24 * hourMs, -400 * 24 * hourMs][number % 4] ?? 0
    real.clock.jump(jumpMs)
    const { blobs, stopped } = await collectGarbage(real.engine)
    real.clock.jump(-jumpMs)
    if (blobs > 0 || stopped === null) throw new Error(`collected ${blobs} while the clock lies`)
    return undefined
  },

  async reclaim({ real }) {
    real.forgetCatalogs()
    await real.engine.element.reclaim?.()
    real.forgetCatalogs()
    return undefined
  },

  async verify({ real }) {
    const { missing, damaged, healed } = await verifyStore(real.engine)
    requireEqual([missing, damaged, healed], [[], [], []], 'what verification found')
    return undefined
  },

  async reopen({ real }) {
    await real.reopen()
    return undefined
  },

  async rebuild({ model, real }) {
    await real.rebuild()
    forgetDeaths(model, real)
    await real.checkAll(model)
    return undefined
  },

  async 'keep catalog'({ real }) {
    real.keepCatalog()
    return undefined
  },

  async 'power cut'({ model, real }, { number, body }) {
    await real.cutPower(1 + number * 7 + body)
    forgetDeaths(model, real)
    await real.checkAll(model)
    return undefined
  },
}

/** A catalog made again counts the grace period anew. */
function forgetDeaths(model: ModelState, real: StoreUnderModel): void {
  for (const death of model.deaths.values()) death.latestMs = real.clock.now()
}

/** Not one blob more than the dead beyond their grace, and none of them less. */
async function collectAndCompare(model: ModelState, real: StoreUnderModel): Promise<void> {
  const beforeMs = real.clock.now() - graceMs
  const deaths = [...model.deaths.values()]
  const surely = deaths.filter(({ latestMs }) => latestMs < beforeMs).length
  const perhaps = deaths.filter(({ earliestMs }) => earliestMs < beforeMs).length
  const { blobs, stopped } = await collectGarbage(real.engine)
  if (stopped !== null) throw new Error(`collection stopped: ${stopped}`)
  if (blobs < surely || blobs > perhaps) {
    throw new Error(`collected ${blobs} blobs, the model says ${surely} to ${perhaps}`)
  }
  for (const body of [...model.deaths.keys()]) {
    const blob = await real.engine.catalog.view.blobs.get(sha256Of(body))
    if (blob === undefined) model.deaths.delete(body)
  }
}
