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

interface CounterRow {
  kind: string
  name: string
  assets: number
  live: number
  live_bytes: number
  bytes: number
}

const COLUMNS = 'kind, name, assets, live, live_bytes, bytes'

export class Counters {
  readonly #get
  readonly #ofKind
  readonly #add
  readonly #pending = new Map<string, Counter & { kind: CounterKind; name: string }>()
  #savepoint: Array<() => void> = []

  constructor(db: SqliteDatabase) {
    this.#get = db.prepare<[string, string], CounterRow>(
      `SELECT ${COLUMNS} FROM counters WHERE kind = ? AND name = ?`,
    )
    this.#ofKind = db.prepare<[string, string, string], CounterRow>(
      `SELECT ${COLUMNS} FROM counters WHERE kind = ? AND name >= ? AND name < ? ORDER BY name`,
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
  list(kind: CounterKind, prefix = ''): { name: string; live: number; liveBytes: number }[] {
    const rows = this.#ofKind.all(kind, prefix, `${prefix}\u{10FFFF}`)
    return rows.map(row => ({ name: row.name, live: row.live, liveBytes: row.live_bytes }))
  }

  /** An asset record appears (+1) or disappears (-1). */
  countAsset(asset: Asset, sign: 1 | -1): void {
    const live = asset.deletedAt === null ? sign : 0
    const delta = { assets: sign, live, liveBytes: live * asset.size, bytes: 0 }
    for (const [kind, name] of counterNames(asset)) this.#change(kind, name, delta)
  }

  /** Kept bytes of an asset's versions change. */
  countBytes(asset: Pick<Asset, 'bucketId' | 'service' | 'ownerId'>, bytes: number): void {
    if (bytes === 0) return
    const delta = { assets: 0, live: 0, liveBytes: 0, bytes }
    this.#change('all', '', delta)
    this.#change('bucket', asset.bucketId, delta)
    this.#change('service', asset.service, delta)
    this.#change('owner', asset.ownerId, delta)
  }

  #change(kind: CounterKind, name: string, delta: Counter): void {
    const id = `${kind}\0${name}`
    let pending = this.#pending.get(id)
    if (pending === undefined) {
      pending = { kind, name, assets: 0, live: 0, liveBytes: 0, bytes: 0 }
      this.#pending.set(id, pending)
    }
    addTo(pending, delta, 1)
    const target = pending
    this.#savepoint.push(() => addTo(target, delta, -1))
  }

  /** What was counted from here on can be undone. */
  begin(): void {
    this.#savepoint = []
  }

  undo(): void {
    for (const undo of this.#savepoint.reverse()) undo()
    this.#savepoint = []
  }

  /** Writes what gathered; part of the commit. */
  flush(): void {
    for (const { kind, name, assets, live, liveBytes, bytes } of this.#pending.values()) {
      if (assets !== 0 || live !== 0 || liveBytes !== 0 || bytes !== 0) {
        this.#add.run(kind, name, assets, live, liveBytes, bytes)
      }
    }
    this.#pending.clear()
  }

  /** Drops what gathered, after a rollback. */
  clear(): void {
    this.#pending.clear()
    this.#savepoint = []
  }
}

function addTo(target: Counter, delta: Counter, sign: 1 | -1): void {
  target.assets += sign * delta.assets
  target.live += sign * delta.live
  target.liveBytes += sign * delta.liveBytes
  target.bytes += sign * delta.bytes
}

function counterNames(asset: Asset): [CounterKind, string][] {
  const names: [CounterKind, string][] = [
    ['all', ''],
    ['bucket', asset.bucketId],
    ['service', asset.service],
    ['owner', asset.ownerId],
    ['type', String(assetTypes.indexOf(asset.type))],
    ['service_type', `${asset.service}\0${asset.type}`],
  ]
  if (asset.acl !== null) names.push(['acl', ''])
  return names
}
