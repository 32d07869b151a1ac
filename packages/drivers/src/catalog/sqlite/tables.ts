import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { SqliteDatabase } from './database.ts'
import { Assets } from './rooms/assets.ts'
import { Audits } from './rooms/audits.ts'
import { Blobs } from './rooms/blobs.ts'
import { Buckets } from './rooms/buckets.ts'
import { Changes } from './rooms/changes.ts'
import { Counters } from './rooms/counters.ts'
import { Identities } from './rooms/identities.ts'
import { Keys } from './rooms/keys.ts'
import { Links } from './rooms/links.ts'
import { AccessKeys } from './rooms/objects/access-keys.ts'
import { Objects } from './rooms/objects/objects.ts'
import { Uploads } from './rooms/objects/uploads.ts'
import { Quotas } from './rooms/quotas.ts'
import { AssetSearch } from './rooms/search/asset-search.ts'
import { LongSearch, type SearchAside } from './rooms/search/long-search.ts'
import { SearchIndex } from './rooms/search/search-index.ts'
import { Versions } from './rooms/versions.ts'
import { Words } from './words.ts'

/** All tables of one connection. */
export interface Tables {
  readonly db: SqliteDatabase
  readonly words: Words
  readonly counters: Counters
  readonly buckets: Buckets
  readonly assets: Assets
  readonly assetSearch: AssetSearch
  readonly versions: Versions
  readonly blobs: Blobs
  readonly links: Links
  readonly quotas: Quotas
  readonly keys: Keys
  readonly identities: Identities
  readonly audits: Audits
  readonly changes: Changes
  readonly objects: Objects
  readonly uploads: Uploads
  readonly accessKeys: AccessKeys
}

export function openTables(db: SqliteDatabase): Tables {
  const words = new Words(db)
  const counters = new Counters(db)
  const buckets = new Buckets(db)
  const assets = new Assets({ db, buckets, words, counters })
  const versions = new Versions({ db, words, assets })
  return {
    db,
    words,
    counters,
    buckets,
    assets,
    assetSearch: new AssetSearch({ db, buckets, words, counters }),
    versions,
    blobs: new Blobs(db),
    links: new Links(db),
    quotas: new Quotas(db, buckets, counters),
    keys: new Keys(db),
    identities: new Identities(db),
    audits: new Audits(db),
    changes: new Changes({ db, words, assets }),
    objects: new Objects({ db, buckets, words, counters }, versions),
    uploads: new Uploads(db, buckets),
    accessKeys: new AccessKeys(db),
  }
}

export function openSearchIndex(tables: Tables): SearchIndex {
  return new SearchIndex(tables.db, tables.assets)
}

export interface Searching {
  /** Awaited before anything searches. */
  readonly caughtUp: () => Promise<void>
  /** Where long searches are worked out; absent: at once, as all others are. */
  readonly aside: SearchAside | undefined
}

/** The questions of the port. */
export function viewOf(tables: Tables, { caughtUp, aside }: Partial<Searching> = {}): CatalogView {
  const { assets, assetSearch, objects, versions } = tables
  const search = new LongSearch(assetSearch, aside)
  return {
    buckets: tables.buckets,
    assets: {
      byId: id => assets.byId(id),
      byKey: (bucketId, key) => assets.byKey(bucketId, key),
      list: (query, giveWay) =>
        query.search === undefined || caughtUp === undefined
          ? search.list(query, giveWay)
          : caughtUp().then(() => search.list(query, giveWay)),
      count: (filter, giveWay) =>
        filter.search === undefined || caughtUp === undefined
          ? search.count(filter, giveWay)
          : caughtUp().then(() => search.count(filter, giveWay)),
      isLong: filter =>
        filter.search === undefined || caughtUp === undefined
          ? search.isLong(filter)
          : caughtUp().then(() => search.isLong(filter)),
      stats: (filter, giveWay) => assetSearch.stats(filter, giveWay),
    },
    versions: tables.versions,
    blobs: tables.blobs,
    links: tables.links,
    quotas: tables.quotas,
    keys: tables.keys,
    identities: tables.identities,
    audits: tables.audits,
    changes: tables.changes,
    objects: {
      list: query => objects.list(query),
      listVersions: query => objects.listVersions(query),
      nullVersion: assetId => versions.nullVersion(assetId),
    },
    uploads: tables.uploads,
    accessKeys: tables.accessKeys,
  }
}
