import type { AssetFilter, AssetQuery, GiveWay } from '@holdfast/core/ports/asset-questions.ts'
import type { Awaitable } from '@holdfast/core/ports/awaitable.ts'
import type { Asset } from '@holdfast/core/records.ts'
import type { AssetSearch, Place } from './asset-search.ts'

/** Records of which each may be tens of kilobytes. */
const PIECE = 100

/** Works out what holds up whoever waits for it. */
export interface SearchAside {
  places(query: AssetQuery): Promise<readonly Place[]>
  count(filter: AssetFilter): Promise<number>
}

/**
 * Lists and totals of assets. Where a search text has a beginning of many words, FTS5 merges all
 * their lists in one statement, for seconds in a large index: that is done aside, and only what was
 * found is read here. Since that is of an earlier moment, it is held to the filter once more.
 */
export class LongSearch {
  readonly #search: AssetSearch
  readonly #aside: SearchAside | undefined

  constructor(search: AssetSearch, aside: SearchAside | undefined) {
    this.#search = search
    this.#aside = aside
  }

  list(query: AssetQuery, giveWay: GiveWay | undefined): Awaitable<Asset[]> {
    const aside = this.#asideFor(query)
    if (aside === undefined) return this.#search.list(query, giveWay)
    return this.#listAside(aside, query, giveWay)
  }

  count(filter: AssetFilter, giveWay: GiveWay | undefined): Awaitable<number> {
    const aside = this.#asideFor(filter)
    if (aside === undefined) return this.#search.count(filter, giveWay)
    return this.#search.totalOf(filter, () => aside.count(filter))
  }

  isLong(filter: AssetFilter): boolean {
    return this.#asideFor(filter) !== undefined
  }

  #asideFor(filter: AssetFilter): SearchAside | undefined {
    if (this.#aside === undefined || filter.search === undefined) return undefined
    return this.#search.mergesMany(filter) ? this.#aside : undefined
  }

  async #listAside(
    aside: SearchAside,
    query: AssetQuery,
    giveWay: GiveWay | undefined,
  ): Promise<Asset[]> {
    const found: Asset[] = []
    let rest = query
    for (;;) {
      const places = await aside.places(rest)
      for (let at = 0; at < places.length; at += PIECE) {
        if (at > 0) await giveWay?.()
        found.push(...this.#still(places.slice(at, at + PIECE), query))
      }
      const last = places.at(-1)
      // A short page says that nothing is left: what went meanwhile is made up for.
      if (last === undefined || places.length < rest.limit || found.length >= query.limit) {
        return found
      }
      await giveWay?.()
      const from = query.afterKey === undefined ? { beforeSeq: last.seq } : { afterKey: last.key }
      rest = { ...query, ...from, offset: 0, limit: query.limit - found.length }
    }
  }

  #still(places: readonly Place[], query: AssetQuery): Asset[] {
    const numbers = places.map(({ seq }) => seq)
    const assets = this.#search.among(numbers, query)
    return places.flatMap(({ seq, key }) => {
      const asset = assets.get(seq)
      if (asset === undefined) return []
      // By key, whoever moved or went to the trash has another place, and the next page begins
      // behind the last one.
      const isAway = query.afterKey !== undefined && (asset.key !== key || asset.trashed)
      return isAway ? [] : [asset]
    })
  }
}
