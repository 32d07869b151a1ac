import { print } from './say.ts'
import { visible } from './visible.ts'

/** Columns as wide as their widest cell; those marked are flush right. */
export function printTable(
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number> = new Set(),
): void {
  const shown = rows.map(row => row.map(visible))
  const widths: number[] = []
  for (const row of shown) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  }
  for (const row of shown) {
    const cells = row.map((cell, at) => {
      const width = widths[at] ?? 0
      return right.has(at) ? cell.padStart(width) : cell.padEnd(width)
    })
    print(cells.join('  ').trimEnd())
  }
}
