/**
 * The store as it should be, small enough to be read: what it says of every asset is what the real
 * one must say. Contents are numbers of the pool; numbers of versions follow the same rules.
 */

export interface ModelVersion {
  readonly number: number
  readonly body: number
  hidden: boolean
  tags: number
}

export interface ModelAsset {
  readonly id: string
  readonly bucket: ModelBucket
  key: string
  versions: ModelVersion[]
  lastNumber: number
  deleted: boolean
  trashed: boolean
  /** Number of the delete marker, while it hides the asset. */
  marker: number
  metadata: Record<string, number>
  tags: string[]
}

/** `photos` keeps versions, `plain` keeps the newest content only. */
export type ModelBucket = 'photos' | 'plain'
export const modelBuckets: readonly ModelBucket[] = ['photos', 'plain']

/** When a content lost its last reference; a rebuild forgets it and counts from its own time. */
export interface Death {
  readonly earliestMs: number
  latestMs: number
}

export class ModelState {
  readonly assets = new Map<string, ModelAsset>()
  readonly links = new Set<string>()
  readonly deaths = new Map<number, Death>()
  /** Most assets in the bucket `photos`; undefined for no ceiling. */
  assetsMax: number | undefined

  holder(bucket: ModelBucket, key: string): ModelAsset | undefined {
    for (const asset of this.assets.values()) {
      if (asset.bucket === bucket && asset.key === key && !asset.trashed) return asset
    }
    return undefined
  }

  /** Deleted ones take room too. */
  hasRoomIn(bucket: ModelBucket, more = 1): boolean {
    if (bucket !== 'photos' || this.assetsMax === undefined) return true
    const count = [...this.assets.values()].filter(asset => asset.bucket === bucket).length
    return count + more <= this.assetsMax
  }

  create(id: string, place: { bucket: ModelBucket; key: string }, body: number): ModelAsset {
    const asset: ModelAsset = {
      id,
      ...place,
      versions: [{ number: 1, body, hidden: false, tags: 0 }],
      lastNumber: 1,
      deleted: false,
      trashed: false,
      marker: 0,
      metadata: {},
      tags: [],
    }
    this.assets.set(id, asset)
    return asset
  }

  append(asset: ModelAsset, body: number): void {
    const before = shownOf(asset)
    asset.lastNumber += 1
    asset.versions.push({ number: asset.lastNumber, body, hidden: false, tags: 0 })
    if (asset.bucket === 'plain') asset.versions = asset.versions.filter(one => one !== before)
  }

  revive(asset: ModelAsset, body: number): void {
    Object.assign(asset, { deleted: false, marker: 0, metadata: {}, tags: [] })
    this.append(asset, body)
  }

  remove(asset: ModelAsset): void {
    if (asset.deleted) return
    asset.deleted = true
    if (asset.bucket === 'plain') asset.trashed = true
    else {
      asset.lastNumber += 1
      asset.marker = asset.lastNumber
    }
  }

  removeForGood(asset: ModelAsset): void {
    this.assets.delete(asset.id)
    for (const link of this.links) if (link.includes(asset.id)) this.links.delete(link)
  }

  /** Why an asset cannot come back, or undefined. */
  restoreProblem(asset: ModelAsset): string | undefined {
    if (!asset.deleted) return 'ASSET_NOT_DELETED'
    if (asset.trashed && this.holder(asset.bucket, asset.key) !== undefined) return 'ASSET_EXISTS'
    return undefined
  }

  restore(asset: ModelAsset): void {
    Object.assign(asset, { deleted: false, trashed: false, marker: 0 })
  }

  /** Contents that some version refers to, hidden ones too. */
  referenced(): Set<number> {
    const bodies = new Set<number>()
    for (const { versions } of this.assets.values())
      for (const { body } of versions) bodies.add(body)
    return bodies
  }

  /** After each command: who died with it, and who came back to life. */
  noteDeaths(before: ReadonlySet<number>, nowMs: number): void {
    const after = this.referenced()
    for (const body of after) this.deaths.delete(body)
    for (const body of before) {
      if (!after.has(body)) this.deaths.set(body, { earliestMs: nowMs, latestMs: nowMs })
    }
  }
}

/** The version shown: the newest that is not hidden. */
export function shownOf(asset: ModelAsset): ModelVersion {
  const shown = asset.versions.filter(({ hidden }) => !hidden)
  return shown.reduce((one, other) => (one.number > other.number ? one : other))
}
