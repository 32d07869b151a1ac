import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { writeDocs } from './write-docs.ts'

const docs = join(dirname(dirname(import.meta.dirname)), 'docs', 'benchmarks.md')

test('figures replace what stood between the marks, and nothing else', t => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'benchmarks.md')
  const original = readFileSync(docs, 'utf8')
  writeFileSync(file, `${original}\nbelow\n`)
  writeDocs(file, 'first figures')
  writeDocs(file, 'second figures')
  const written = readFileSync(file, 'utf8')
  assert.ok(written.includes('second figures'))
  assert.ok(!written.includes('first figures'))
  assert.ok(written.startsWith(original.slice(0, original.indexOf('<!-- figures'))))
  assert.ok(written.endsWith('\nbelow\n'))
})

test('a document without the marks is left alone', t => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'other.md')
  writeFileSync(file, 'other')
  assert.throws(() => writeDocs(file, 'figures'), /no place for figures/)
  assert.equal(readFileSync(file, 'utf8'), 'other')
})
