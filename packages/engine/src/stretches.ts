import type { NumbersOf, Stretch } from '@holdfast/core/ports/asset-questions.ts'
import type { Awaitable } from '@holdfast/core/ports/awaitable.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'

/** Nothing bounds the versions of an asset: so many are looked at in a turn, some milliseconds. */
const ROWS = 8192
/** Behind the page that is asked for, the total counts so many more. */
export const COUNTED_MAX = 10_000

type GiveWay = () => Promise<void>
type Ask = (below: number, rows: number) => Awaitable<Stretch>

/** Numbers, newest first, some in each turn; without `giveWay`, as in a transaction, in one. */
export async function* walk(
  ask: Ask,
  giveWay: GiveWay | undefined,
  most = ROWS,
): AsyncGenerator<Walked> {
  for (let below = Number.MAX_SAFE_INTEGER; ; ) {
    const { rows, lowest } = await ask(below, most)
    if (lowest === null) return
    yield { from: lowest, below, rows }
    if (rows < most) return
    below = lowest
    await giveWay?.()
  }
}

interface Walked extends NumbersOf {
  readonly rows: number
}

/** Stretches of all versions of an asset, to be looked at one after the other. */
export function stretchesOf(
  { versions }: Pick<CatalogView, 'versions'>,
  assetId: string,
  giveWay?: GiveWay,
): AsyncGenerator<Walked> {
  return walk((below, rows) => versions.stretch({ assetId, below, rows }), giveWay)
}

/** The same of all its changes, by their sequence. */
export function changesOf(
  { changes }: Pick<CatalogView, 'changes'>,
  assetId: string,
  giveWay: GiveWay,
): AsyncGenerator<Walked> {
  return walk((below, rows) => changes.stretch({ assetId, below, rows }), giveWay)
}

export interface StretchedPage<Entry> {
  readonly items: Entry[]
  /** Of those up to `COUNTED_MAX` behind the page: beyond them nobody counts. */
  readonly total: number
}

/** A page of what is found in the stretches, without a look at more than it takes. */
export async function pageOf<Entry>(
  stretches: AsyncIterable<Walked>,
  { limit, offset }: { readonly limit: number; readonly offset: number },
  { count, list }: Finding<Entry>,
): Promise<StretchedPage<Entry>> {
  const totalMax = offset + limit + COUNTED_MAX
  const items: Entry[] = []
  let total = 0
  for await (const stretch of stretches) {
    const found = await count(stretch)
    const skipped = Math.max(0, offset - total)
    if (skipped < found && items.length < limit) {
      items.push(...(await list(stretch, { limit: limit - items.length, offset: skipped })))
    }
    total += found
    if (total >= totalMax) return { items, total: totalMax }
  }
  return { items, total }
}

export interface Finding<Entry> {
  count(stretch: Walked): Awaitable<number>
  list(
    stretch: Walked,
    page: { readonly limit: number; readonly offset: number },
  ): Awaitable<readonly Entry[]>
}
