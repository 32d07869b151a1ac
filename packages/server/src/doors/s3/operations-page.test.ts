import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type OperationRow, operations } from './operations.ts'

const page = join(import.meta.dirname, '../../../../../docs/s3.md')
const [start, end] = ['<!-- operations -->\n', '<!-- /operations -->']

const others = ['MinIO', 'Ceph', 'Garage', 'SeaweedFS']

/** What is written by hand of other servers, by operation; `?` for operations that are new. */
function statedOfOthers(table: string): (name: string) => string {
  const rows = table.split('\n').map(line => line.split('|').map(cell => cell.trim()))
  const stated = new Map(rows.map(cells => [cells[1], cells.slice(5, 5 + others.length)]))
  return name => (stated.get(name) ?? others.map(() => '?')).join(' | ')
}

function table(written: string): string {
  const stated = statedOfOthers(written)
  const rows = Object.entries<OperationRow>(operations).map(([name, row]) => {
    const path = { service: '/', bucket: '/{bucket}', object: '/{bucket}/{key}' }[row.level]
    const query = row.sub === undefined ? '' : `?${row.sub}`
    const cells = [name, `\`${row.method} ${path}${query}\``, row.state, row.note ?? '']
    return `| ${cells.join(' | ')} | ${stated(name)} |`
  })
  const head = ['Operation', 'Request', 'State', 'Remark', ...others]
  return [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...rows, ''].join('\n')
}

/** `HOLDFAST_WRITE_DOCS=1 node …/operations-page.test.ts` writes the table anew. */
test('the page about S3 has the operations of the router', () => {
  const text = readFileSync(page, 'utf8')
  const [before = '', rest = ''] = text.split(start)
  const after = rest.slice(rest.indexOf(end))
  const wanted = `${before}${start}${table(rest.slice(0, rest.indexOf(end)))}${after}`
  if (process.env.HOLDFAST_WRITE_DOCS === '1') writeFileSync(page, wanted)
  assert.equal(readFileSync(page, 'utf8'), wanted)
})

test('whatever another server serves and this one refuses has a reason', () => {
  const text = readFileSync(page, 'utf8')
  const written = text.slice(text.indexOf(start) + start.length, text.indexOf(end))
  const stated = statedOfOthers(written)
  const refused = Object.entries<OperationRow>(operations).filter(
    ([, row]) => row.state === 'refused',
  )
  assert.ok(refused.length > 20)
  for (const [name, row] of refused) {
    if (stated(name).includes('yes')) assert.ok((row.note ?? '').length > 20, name)
  }
})
