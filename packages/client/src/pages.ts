interface CursorPage<Item> {
  readonly items: readonly Item[]
  readonly next_cursor: string | null
}

/** All items of a listing with cursors, page by page as they are asked for. */
export async function* eachByCursor<Item>(
  page: (cursor: string | undefined) => Promise<CursorPage<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let cursor: string | undefined
  do {
    const { items, next_cursor: next } = await page(cursor)
    yield* items
    // A server that sends us in circles must not keep us there.
    if (next !== null && next === cursor) throw new Error('the cursor did not move')
    cursor = next ?? undefined
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
