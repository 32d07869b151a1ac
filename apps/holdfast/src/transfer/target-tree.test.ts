import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import test, { type TestContext } from 'node:test'
import { TargetTree } from './target-tree.ts'

function scratch(t: TestContext): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-tree-')))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

const hostile = [
  '../x',
  '../../../../etc/passwd',
  '/etc/passwd',
  '//host/share',
  'a/../../x',
  'a/./b',
  'a//b',
  'a/',
  '/',
  '.',
  '..',
  'C:/x',
  'C:\\x',
  '..\\..\\x',
  'nul',
  'a/con/b',
  `deep/${'d/'.repeat(400)}x`,
]

test('every key has a place of its own below the root', async t => {
  const dir = scratch(t)
  for (const isPortable of [false, true]) {
    const tree = await TargetTree.open(join(dir, 'out'), isPortable)
    const places = hostile.map(key => tree.place(key))
    assert.equal(new Set(places).size, hostile.length)
    for (const place of places) {
      assert.ok(resolve(dir, 'out', place).startsWith(join(dir, 'out/')), place)
      assert.ok(!place.split('/').some(part => part === '' || part === '.' || part === '..'))
    }
  }
})

test('keys used as folders, and names written like escapes, get room', async t => {
  const tree = await TargetTree.open(scratch(t), false)
  const keys = ['a', 'a/b', 'a/b/c', '..', '%2E%2E', '%2E%2E/x', '../x', 'a//b', 'a/%/b']
  const places = keys.map(key => tree.place(key))
  assert.equal(places[0], 'a')
  assert.equal(places[3], '%2E%2E')
  const files = new Set(places)
  assert.equal(files.size, keys.length)
  for (const place of places) {
    const parts = place.split('/')
    for (let depth = 1; depth < parts.length; depth += 1) {
      assert.ok(!files.has(parts.slice(0, depth).join('/')), `${place} lies in a file`)
    }
  }
})

test('the same keys in the same order get the same places', async t => {
  const dir = scratch(t)
  const keys = ['a', 'a/b', 'A', 'a/B', '..', '%2E%2E', ...hostile]
  for (const isPortable of [false, true]) {
    const one = await TargetTree.open(dir, isPortable)
    const other = await TargetTree.open(dir, isPortable)
    assert.deepEqual(
      keys.map(key => one.place(key)),
      keys.map(key => other.place(key)),
    )
  }
})

test('where case is folded, keys that differ in case only stay apart', async t => {
  const tree = await TargetTree.open(scratch(t), true)
  const places = ['Read', 'read', 'e\u0301', '\u00e9'].map(key => tree.place(key))
  const folded = places.map(place => place.normalize('NFC').toLowerCase())
  assert.equal(new Set(folded).size, places.length)
})

test('nothing is written through a link or over a file on the way', async t => {
  const dir = scratch(t)
  const out = join(dir, 'out')
  mkdirSync(join(dir, 'outside'))
  mkdirSync(out)
  symlinkSync(join(dir, 'outside'), join(out, 'link'))
  writeFileSync(join(out, 'file'), '')
  const tree = await TargetTree.open(out, false)
  await assert.rejects(tree.prepare(tree.place('link/x')), /symbolic link/)
  await assert.rejects(tree.prepare(tree.place('file/x')), /a file is in the way/)
  assert.equal(await tree.prepare(tree.place('new/x')), join(out, 'new/x'))
})
