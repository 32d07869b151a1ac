import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { walkTree } from './walk-tree.ts'

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-walk-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

const options = { follow: false, signal: new AbortController().signal }
const walk = async (root: string, follow = false) =>
  await Array.fromAsync(walkTree(root, { ...options, follow }))

test('files come with their paths below the root, in the order of their bytes', async t => {
  const dir = scratch(t)
  mkdirSync(join(dir, 'b/c'), { recursive: true })
  for (const name of ['b/c/x', 'a', 'Z', 'b/a', 'ß']) writeFileSync(join(dir, name), name)
  const found = await walk(dir)
  assert.deepEqual(
    found.map(entry => (entry.kind === 'file' ? [entry.name, entry.size] : entry)),
    [
      ['Z', 1],
      ['a', 1],
      ['b/a', 3],
      ['b/c/x', 5],
      ['ß', 2],
    ],
  )
  const [one] = await walk(join(dir, 'b/a'))
  assert.equal(one?.kind === 'file' && one.name, 'a')
})

test('links are left out, or taken when they lead to files; never into directories', async t => {
  const dir = scratch(t)
  mkdirSync(join(dir, 'tree'))
  writeFileSync(join(dir, 'target'), 'x')
  symlinkSync(join(dir, 'target'), join(dir, 'tree/file'))
  symlinkSync(dir, join(dir, 'tree/loop'))
  symlinkSync('nowhere', join(dir, 'tree/broken'))
  const kinds = async (follow: boolean) =>
    (await walk(join(dir, 'tree'), follow)).map(({ kind }) => kind)
  assert.deepEqual(await kinds(false), ['passed', 'passed', 'passed'])
  assert.deepEqual(await kinds(true), ['failed', 'file', 'passed'])
})

test('what is no file is left out, what is not there fails', async t => {
  const dir = scratch(t)
  execFileSync('mkfifo', [join(dir, 'pipe')])
  assert.equal((await walk(dir))[0]?.kind, 'passed')
  assert.equal((await walk(join(dir, 'nothing')))[0]?.kind, 'failed')
})

test('a name that is no UTF-8 fails instead of becoming another name', async t => {
  const dir = scratch(t)
  writeFileSync(Buffer.concat([Buffer.from(`${dir}/a`), Buffer.from([0xff])]), 'x')
  const [found] = await walk(dir)
  assert.equal(found?.kind, 'failed')
})
