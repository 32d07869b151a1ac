import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { changeOf, sourcesOf } from './sources.ts'

function emptyTree() {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-sources-'))
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const room of ['apps', 'packages', 'torture']) write(`${room}/a/one.ts`, room)
  const remove = (path: string) => rmSync(join(root, path), { recursive: true })
  return { root, write, remove, [Symbol.dispose]: () => rmSync(root, { recursive: true }) }
}

test('a source that changed, came or went during a run is named', () => {
  using tree = emptyTree()
  const before = sourcesOf(tree.root)
  const told = () => changeOf(before, sourcesOf(tree.root))
  assert.equal(told(), undefined)
  tree.write('packages/a/one.ts', 'others')
  assert.match(told() ?? '', /run it again: packages\/a\/one\.ts$/)
  tree.write('packages/a/one.ts', 'packages')
  assert.equal(told(), undefined)
  tree.write('torture/b/new.ts', '')
  assert.match(told() ?? '', /torture\/b\/new\.ts$/)
  tree.remove('torture/b')
  tree.remove('apps/a')
  assert.match(told() ?? '', /apps\/a\/one\.ts$/)
  for (const name of 'wxyz') tree.write(`apps/${name}.ts`, name)
  assert.match(told() ?? '', /apps\/a\/one\.ts, apps\/w\.ts, apps\/x\.ts and 2 more$/)
})

test('what runs write themselves, and what is installed, is no source', () => {
  using tree = emptyTree()
  const before = sourcesOf(tree.root)
  tree.write('torture/results/2026.json', '[]')
  tree.write('torture/results/note.ts', '')
  tree.write('packages/a/node_modules/b/index.js', '')
  tree.write('apps/console/dist/main.js', '')
  tree.write('apps/console/.angular/cache.js', '')
  tree.write('packages/a/notes.md', '')
  assert.equal(changeOf(before, sourcesOf(tree.root)), undefined)
})
