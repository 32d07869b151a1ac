import type { Asset, BriefVersion, Bucket } from '@holdfast/core/records.ts'
import type { Lab } from '../open-lab.ts'

export interface AssetRow extends Asset {
  /** Name of its bucket. */
  readonly bucket: string
  /** The newest first, deleted ones too. */
  readonly versions: readonly BriefVersion[]
}

/** What the catalog has of some buckets, at one moment. */
export interface Rows {
  readonly seq: number
  readonly buckets: ReadonlyMap<string, Bucket>
  readonly assets: ReadonlyMap<string, AssetRow>
}

export async function readRows(lab: Lab, names: readonly string[]): Promise<Rows> {
  const { view } = lab.context.engine.catalog
  const buckets = new Map<string, Bucket>()
  const assets = new Map<string, AssetRow>()
  const seq = await view.changes.latest()
  for (const name of names) {
    const bucket = await view.buckets.byName(name)
    if (bucket === undefined) continue
    buckets.set(name, bucket)
    const query = { bucketId: bucket.id, deleted: 'with', limit: 1000 } as const
    for (const asset of await view.assets.list(query)) {
      const about = { assetId: asset.id, deleted: 'with', limit: 1000 } as const
      const versions = await view.versions.list(about)
      assets.set(asset.id, { ...asset, bucket: name, versions })
    }
  }
  return { seq, buckets, assets }
}

export function bucketOf(rows: Rows, name: string): Bucket {
  const bucket = rows.buckets.get(name)
  if (bucket === undefined) throw new Error(`no bucket ${name}`)
  return bucket
}

/** What holds a key: also what a delete marker hides. */
export function atKey(rows: Rows, bucket: string, key: string): AssetRow | undefined {
  const all = [...rows.assets.values()]
  return all.find(each => each.bucket === bucket && each.key === key && !each.trashed)
}

/** The newest in the trash that had the key. */
export function trashedAt(rows: Rows, bucket: string, key: string): AssetRow | undefined {
  const all = [...rows.assets.values()].reverse()
  return all.find(each => each.bucket === bucket && each.key === key && each.trashed)
}

export const isContent = ({ kind, deletedAt }: BriefVersion) =>
  kind === 'content' && deletedAt === null

/** A key of nothing but markers is free. */
export function holdsContent({ versions }: AssetRow): boolean {
  return versions.some(isContent)
}

export function shownOf(asset: AssetRow): BriefVersion | undefined {
  return asset.versions.find(({ id }) => id === asset.versionId)
}

/** As S3 names it. */
export const s3Name = ({ isNull, id }: BriefVersion) => (isNull === true ? 'null' : id)

/** `s3:ExistingObjectTag`: of the version where S3 set them, else of the asset. */
export function tagsOf(
  asset: AssetRow,
  version: BriefVersion | undefined,
): Readonly<Record<string, string>> {
  const object = version?.object
  if (object?.tags !== undefined) {
    return Object.fromEntries(object.tags.map(({ key, value }) => [key, value]))
  }
  if (object !== undefined && object.elsewhere !== true) return {}
  return Object.fromEntries(asset.tags.map(tag => [tag, '']))
}
