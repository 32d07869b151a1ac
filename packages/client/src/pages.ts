interface CursorPage<Item> {
  readonly items: readonly Item[]
  readonly next_cursor: string | null
}

/** All items of a listing with cursors, page by page as they are asked for. */
export async function* eachByCursor<Item>(
  page: (cursor: string | undefined) => Promise<CursorPage<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let cursor: string | undefined
  let [kept, pages, keptFor]: [string | undefined, number, number] = [undefined, 0, 1]
  do {
    const { items, next_cursor: next } = await page(cursor)
    yield* items
    cursor = next ?? undefined
    // A server must not keep us in circles; each cursor that is kept is kept for twice as long.
    if (cursor !== undefined && cursor === kept) throw new Error('the listing goes in circles')
    pages += 1
    if (pages === keptFor) [kept, pages, keptFor] = [cursor, 0, keptFor * 2]
  } while (cursor !== undefined)
}

interface OffsetPage<Item> {
  readonly items: readonly Item[]
  readonly total: number
}

/** All items of a listing with offsets; it ends with the first empty page. */
export async function* eachByOffset<Item>(
  page: (offset: number) => Promise<OffsetPage<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let offset = 0
  for (;;) {
    const { items, total } = await page(offset)
    yield* items
    offset += items.length
    if (items.length === 0 || offset >= total) return
  }
}
