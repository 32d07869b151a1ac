import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type OperationRow, operations } from './operations.ts'

const page = join(import.meta.dirname, '../../../../../docs/s3.md')
const [start, end] = ['<!-- operations -->\n', '<!-- /operations -->']

function table(): string {
  const rows = Object.entries<OperationRow>(operations).map(([name, row]) => {
    const path = { service: '/', bucket: '/{bucket}', object: '/{bucket}/{key}' }[row.level]
    const query = row.sub === undefined ? '' : `?${row.sub}`
    return `| ${name} | \`${row.method} ${path}${query}\` | ${row.state} | ${row.note ?? ''} |`
  })
  return ['| Operation | Request | State | Remark |', '|---|---|---|---|', ...rows, ''].join('\n')
}

/** `HOLDFAST_WRITE_DOCS=1 node …/operations-page.test.ts` writes the table anew. */
test('the page about S3 has the operations of the router', () => {
  const text = readFileSync(page, 'utf8')
  const [before = '', rest = ''] = text.split(start)
  const after = rest.slice(rest.indexOf(end))
  const wanted = `${before}${start}${table()}${after}`
  if (process.env.HOLDFAST_WRITE_DOCS === '1') writeFileSync(page, wanted)
  assert.equal(readFileSync(page, 'utf8'), wanted)
})
