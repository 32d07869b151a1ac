import { BoundedCache } from '@holdfast/core/bounded-cache.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { CatalogView, StoredPlace, Touched } from '@holdfast/core/ports/catalog.ts'
import type { ApiKey, Asset, BriefVersion, Bucket, Version } from '@holdfast/core/records.ts'
import { KeptRules } from './rooms/kept-rules.ts'
import type { Tables } from './tables.ts'

/** Twice: by name and by id. */
const BUCKETS_BYTES_MAX = 16 * 1024 * 1024
const KEYS_MAX = 1000
const RULES_BYTES_MAX = 32 * 1024 * 1024

/**
 * The questions that every request asks, answered from memory. Exact, because one process writes
 * and tells what each commit touched before anybody learns that it happened, and because a question
 * is answered and kept within one turn of the event loop: nothing is kept that a message about it
 * has already passed. Absence is never kept.
 */
export class CachedView {
  readonly view: CatalogView
  readonly #bucketsByName = new BoundedCache<Bucket>(BUCKETS_BYTES_MAX)
  readonly #bucketsById = new BoundedCache<Bucket>(BUCKETS_BYTES_MAX)
  readonly #bucketRules = new KeptRules(RULES_BYTES_MAX)
  readonly #keysByHash = new BoundedCache<ApiKey>(KEYS_MAX)
  readonly #keysById = new BoundedCache<ApiKey>(KEYS_MAX)
  readonly #accessKeys = new BoundedCache<AccessKey>(KEYS_MAX)
  readonly #assetsByKey: BoundedCache<Asset>
  readonly #assetsById: BoundedCache<Asset>
  readonly #versionsById: BoundedCache<Version>
  readonly #briefVersionsById: BoundedCache<BriefVersion>
  readonly #places: BoundedCache<StoredPlace>

  constructor(plain: CatalogView, tables: Tables, bytesMax: number) {
    this.#assetsByKey = new BoundedCache((bytesMax * 3) / 8)
    this.#assetsById = new BoundedCache(bytesMax / 8)
    this.#versionsById = new BoundedCache((bytesMax * 3) / 16)
    this.#briefVersionsById = new BoundedCache(bytesMax / 16)
    this.#places = new BoundedCache(bytesMax / 4)
    this.view = this.#over(plain, tables)
  }

  /** To be called with what was touched before the commit's promise resolves. */
  forget({ assets, records }: Touched): void {
    for (const { id, bucketId, key } of assets) {
      this.#assetsById.delete(id)
      this.#assetsByKey.delete(placeOf(bucketId, key))
    }
    for (const sha256 of records.blobs ?? []) this.#places.delete(sha256)
    for (const id of records.versions ?? []) {
      this.#versionsById.delete(id)
      this.#briefVersionsById.delete(id)
    }
    // Changes of these are rare, so all of them go, by whatever they were found.
    if (records.buckets !== undefined) {
      this.#bucketsByName.clear()
      this.#bucketsById.clear()
    }
    // Of these all are asked for again at once: the change of one must not cost those of all.
    for (const id of records.buckets ?? []) this.#bucketRules.delete(id)
    if (records.accessKeys !== undefined) this.#accessKeys.clear()
    if (records.keys !== undefined) {
      this.#keysByHash.clear()
      this.#keysById.clear()
    }
  }

  /** After a failure nobody knows what was touched. */
  forgetAll(): void {
    for (const cache of [this.#bucketsByName, this.#bucketsById]) cache.clear()
    this.#bucketRules.clear()
    for (const cache of [this.#keysByHash, this.#keysById]) cache.clear()
    this.#accessKeys.clear()
    for (const cache of [this.#assetsByKey, this.#assetsById]) cache.clear()
    for (const cache of [this.#versionsById, this.#briefVersionsById]) cache.clear()
    this.#places.clear()
  }

  #over(plain: CatalogView, tables: Tables): CatalogView {
    const { buckets, keys, accessKeys, assets, blobs, versions } = tables
    return {
      ...plain,
      buckets: {
        byName: name => through(this.#bucketsByName, name, () => buckets.byName(name), bucketBytes),
        byId: id => through(this.#bucketsById, id, () => buckets.byId(id), bucketBytes),
        list: query => buckets.list(query),
        count: () => buckets.count(),
        countOwnedBy: ownerId => buckets.countOwnedBy(ownerId),
        rules: query => buckets.rules(query, this.#bucketRules),
      },
      accessKeys: {
        byId: id => through(this.#accessKeys, id, () => accessKeys.byId(id)),
        list: () => accessKeys.list(),
        byPrincipal: id => accessKeys.byPrincipal(id),
      },
      keys: {
        byHash: hash => through(this.#keysByHash, hash, () => keys.byHash(hash)),
        byId: id => through(this.#keysById, id, () => keys.byId(id)),
        list: () => keys.list(),
        count: () => keys.count(),
      },
      assets: {
        ...plain.assets,
        byId: id => through(this.#assetsById, id, () => assets.byId(id), assetBytes),
        byKey: (bucketId, key) => {
          const place = placeOf(bucketId, key)
          return through(this.#assetsByKey, place, () => assets.byKey(bucketId, key), assetBytes)
        },
      },
      versions: {
        byId: id => through(this.#versionsById, id, () => versions.byId(id), versionBytes),
        briefById: id => {
          const known = this.#versionsById.get(id)
          const ask = () => versions.briefById(id)
          return known ?? through(this.#briefVersionsById, id, ask, versionBytes)
        },
        byNumber: (assetId, number) => versions.byNumber(assetId, number),
        list: query => versions.list(query),
        count: query => versions.count(query),
        stretch: query => versions.stretch(query),
        contents: (assetId, of) => versions.contents(assetId, of),
        acls: (assetId, page) => versions.acls(assetId, page),
        bytes: assetId => versions.bytes(assetId),
      },
      blobs: {
        get: sha256 => blobs.get(sha256),
        place: sha256 => through(this.#places, sha256, () => blobs.place(sha256), placeBytes),
        list: query => blobs.list(query),
        dead: query => blobs.dead(query),
        totals: () => blobs.totals(),
      },
    }
  }
}

/** Ids hold no slash, so the pair is unambiguous. */
function placeOf(bucketId: string, key: string): string {
  return `${bucketId}/${key}`
}

function through<Value>(
  cache: BoundedCache<Value>,
  key: string,
  ask: () => Value | undefined,
  bytesOf?: (value: Value) => number,
): Value | undefined {
  const known = cache.get(key)
  if (known !== undefined) return known
  const found = ask()
  if (found !== undefined) cache.set(key, found, bytesOf?.(found))
  return found
}

/** Roughly what a record takes in memory: its objects and two texts that may be long. */
const RECORD_BYTES = 1024

function bucketBytes({ settings, documents = {} }: Bucket): number {
  return RECORD_BYTES + 4 * JSON.stringify([settings, documents]).length
}

function assetBytes({ key, name, tags, metadata, acl }: Asset): number {
  const texts = 2 * (key.length + name.length)
  const lists = tags.length === 0 && acl === null ? 0 : JSON.stringify([tags, acl]).length
  const values = Object.keys(metadata).length === 0 ? 0 : JSON.stringify(metadata).length
  return RECORD_BYTES + texts + 4 * (lists + values)
}

function versionBytes({ metadata, tags, object }: BriefVersion): number {
  const values = Object.keys(metadata).length === 0 ? 0 : JSON.stringify(metadata).length
  const plain = tags.length === 0 && object === undefined
  return RECORD_BYTES + 4 * (values + (plain ? 0 : JSON.stringify([tags, object]).length))
}

/** Of a part mostly its digest. */
const PART_BYTES = 150

function placeBytes({ sums, parts = [] }: StoredPlace): number {
  return RECORD_BYTES / 2 + sums.length + PART_BYTES * parts.length
}
