interface Page<Row> {
  readonly items: readonly Row[]
  readonly total: number
}

const PAGE = 1000
const ROWS_MAX = 1_000_000

/** A whole list that is shown at once; fails where a server does not come to the end it tells. */
export async function allRows<Row>(
  page: (at: { readonly limit: number; readonly offset: number }) => Promise<Page<Row>>,
): Promise<Row[]> {
  const rows: Row[] = []
  while (rows.length < ROWS_MAX) {
    const { items, total } = await page({ limit: PAGE, offset: rows.length })
    for (const row of items) rows.push(row)
    if (rows.length >= total) return rows
    if (items.length < PAGE) {
      throw new Error(`the server sent ${rows.length} of the ${total} rows that it told of`)
    }
  }
  throw new Error(`the list is longer than ${ROWS_MAX} rows`)
}
