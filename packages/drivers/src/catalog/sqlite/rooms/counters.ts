import type { Asset, Usage } from '@holdfast/core/records.ts'
import { assetTypes } from '@holdfast/core/records.ts'
import type { SqliteDatabase } from '../database.ts'

/**
 * Totals by bucket, service, owner and type. Changes gather in memory during a commit and are
 * written once per touched counter, since every put of a batch touches the same few.
 */

export interface Counter {
  assets: number
  live: number
  liveBytes: number
  bytes: number
}

export type CounterKind = 'all' | 'bucket' | 'service' | 'owner' | 'type' | 'service_type' | 'acl'

export type ShownCounter = Pick<Counter, 'live' | 'liveBytes'> & { readonly name: string }

interface CounterRow {
  kind: string
  name: string
  assets: number
  live: number
  live_bytes: number
  bytes: number
}

const COLUMNS = 'kind, name, assets, live, live_bytes, bytes'

type CountedAsset = Pick<Asset, 'bucketId' | 'service' | 'ownerId' | 'type'>
type Waiting = Counter & { readonly kind: CounterKind; readonly name: string }

interface CountersOfAsset extends CountedAsset {
  /** Those of kept bytes. */
  readonly payers: readonly Waiting[]
  readonly all: readonly Waiting[]
}

export class Counters {
  readonly #get
  readonly #ofKind
  readonly #largestServices
  readonly #add
  readonly #removeEmpty
  readonly #pending = new Map<string, Waiting>()
  #savepoint: { readonly counter: Waiting; readonly delta: Counter }[] = []
  #last: CountersOfAsset | undefined

  constructor(db: SqliteDatabase) {
    this.#get = db.prepare<[string, string], CounterRow>(
      `SELECT ${COLUMNS} FROM counters WHERE kind = ? AND name = ?`,
    )
    this.#ofKind = db.prepare<[string, string, string], CounterRow>(
      `SELECT ${COLUMNS} FROM counters WHERE kind = ? AND name >= ? AND name < ? ORDER BY name`,
    )
    // Services are named by callers: any number of them. The planner would read and sort them all.
    this.#largestServices = db.prepare<[number], CounterRow>(
      `SELECT ${COLUMNS} FROM counters INDEXED BY counters_largest_services
         WHERE kind = 'service' AND live > 0 ORDER BY live_bytes DESC, name LIMIT ?`,
    )
    this.#removeEmpty = db.prepare(
      `DELETE FROM counters WHERE kind = ? AND name = ?
         AND assets = 0 AND live = 0 AND live_bytes = 0 AND bytes = 0`,
    )
    this.#add = db.prepare(
      `INSERT INTO counters (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET assets = assets + excluded.assets, live = live + excluded.live,
         live_bytes = live_bytes + excluded.live_bytes, bytes = bytes + excluded.bytes`,
    )
  }

  get(kind: CounterKind, name: string): Counter {
    const row = this.#get.get(kind, name)
    const pending = this.#pending.get(`${kind}\0${name}`)
    return {
      assets: (row?.assets ?? 0) + (pending?.assets ?? 0),
      live: (row?.live ?? 0) + (pending?.live ?? 0),
      liveBytes: (row?.live_bytes ?? 0) + (pending?.liveBytes ?? 0),
      bytes: (row?.bytes ?? 0) + (pending?.bytes ?? 0),
    }
  }

  usage(kind: CounterKind, name: string): Usage {
    const { assets, bytes } = this.get(kind, name)
    return { assets, bytes }
  }

  /** Counters of a kind whose name begins with the prefix. For readers: nothing pending. */
  list(kind: CounterKind, prefix = ''): ShownCounter[] {
    return this.#ofKind.all(kind, prefix, `${prefix}\u{10FFFF}`).map(shownOf)
  }

  /** Those services with the most bytes of assets not deleted. For readers: nothing pending. */
  largestServices(max: number): ShownCounter[] {
    return this.#largestServices.all(max).map(shownOf)
  }

  /** An asset record appears (+1) or disappears (-1). */
  countAsset(asset: Asset, sign: 1 | -1): void {
    const live = asset.deletedAt === null ? sign : 0
    const delta = { assets: sign, live, liveBytes: live * asset.size, bytes: 0 }
    const counters = this.#ofAsset(asset)
    for (const counter of counters.all) this.#change(counter, delta)
    if (asset.acl !== null) this.#change(this.#waiting('acl', ''), delta)
  }

  /** Kept bytes of an asset's versions change. */
  countBytes(asset: CountedAsset, bytes: number): void {
    if (bytes === 0) return
    const delta = { assets: 0, live: 0, liveBytes: 0, bytes }
    for (const counter of this.#ofAsset(asset).payers) this.#change(counter, delta)
  }

  /** Those an asset counts in; the puts of a batch mostly share them. */
  #ofAsset(asset: CountedAsset): CountersOfAsset {
    const { bucketId, service, ownerId, type } = asset
    const known = this.#last
    if (
      known !== undefined &&
      known.bucketId === bucketId &&
      known.service === service &&
      known.ownerId === ownerId &&
      known.type === type
    ) {
      return known
    }
    const payers = [
      this.#waiting('all', ''),
      this.#waiting('bucket', bucketId),
      this.#waiting('service', service),
      this.#waiting('owner', ownerId),
    ]
    const all = [
      ...payers,
      this.#waiting('type', String(assetTypes.indexOf(type))),
      this.#waiting('service_type', `${service}\0${type}`),
    ]
    this.#last = { bucketId, service, ownerId, type, payers, all }
    return this.#last
  }

  #waiting(kind: CounterKind, name: string): Waiting {
    const id = `${kind}\0${name}`
    let waiting = this.#pending.get(id)
    if (waiting === undefined) {
      waiting = { kind, name, assets: 0, live: 0, liveBytes: 0, bytes: 0 }
      this.#pending.set(id, waiting)
    }
    return waiting
  }

  #change(counter: Waiting, delta: Counter): void {
    addTo(counter, delta, 1)
    this.#savepoint.push({ counter, delta })
  }

  /** What was counted from here on can be undone. */
  begin(): void {
    this.#savepoint = []
  }

  undo(): void {
    for (const { counter, delta } of this.#savepoint) addTo(counter, delta, -1)
    this.#savepoint = []
  }

  /** Writes what gathered; part of the commit. */
  flush(): void {
    for (const { kind, name, assets, live, liveBytes, bytes } of this.#pending.values()) {
      if (assets !== 0 || live !== 0 || liveBytes !== 0 || bytes !== 0) {
        this.#add.run(kind, name, assets, live, liveBytes, bytes)
      }
      if (assets < 0 || bytes < 0) this.#removeEmpty.run(kind, name)
    }
    this.#pending.clear()
    this.#last = undefined
  }

  /** Drops what gathered, after a rollback. */
  clear(): void {
    this.#pending.clear()
    this.#last = undefined
    this.#savepoint = []
  }
}

function shownOf({ name, live, live_bytes: liveBytes }: CounterRow): ShownCounter {
  return { name, live, liveBytes }
}

function addTo(target: Counter, delta: Counter, sign: 1 | -1): void {
  target.assets += sign * delta.assets
  target.live += sign * delta.live
  target.liveBytes += sign * delta.liveBytes
  target.bytes += sign * delta.bytes
}
