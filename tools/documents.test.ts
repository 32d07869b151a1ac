import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const documents = ['docs/asvs.md', 'docs/security.md']

/** As documents name them: `engine/access/decide.ts` is `packages/engine/src/access/decide.ts`. */
const files = globSync('{packages,apps,torture,tools,tests}/**/*.ts', {
  cwd: root,
  exclude: name => name === 'node_modules',
}).map(name => `/${name.replaceAll('\\', '/')}`.replace('/src/', '/'))
const programs = globSync('torture/programs/**/t*.ts', { cwd: root })

function filesCalled(name: string): string[] {
  return files.filter(file => file.endsWith(`/${name}`))
}

/** Cells of the last column of tables that say what covers their rows. */
function covering(text: string): string[] {
  const cells: string[] = []
  let isCovering = false
  for (const line of text.split('\n')) {
    const row = /^\|.*\|$/.test(line) ? line.slice(1, -1).split('|') : []
    const last = row.at(-1)?.trim()
    if (last === undefined) isCovering = false
    else if (last === 'Covered by') isCovering = true
    else if (isCovering) cells.push(last)
  }
  return cells
}

test('whatever covers an item of security is there, and one file', () => {
  const missing: string[] = []
  const ambiguous: string[] = []
  let named = 0
  for (const document of documents) {
    const text = readFileSync(join(root, document), 'utf8')
    const sources = [...text.matchAll(/`(\w[\w./-]*\.ts)`/g)].map(([, name = '']) => name)
    const cells = covering(text).map(cell => cell.replaceAll(/\([^)]*\)/g, ''))
    const words = cells.flatMap(cell => [...cell.matchAll(/`([\w./-]+)`/g)])
    const tests = words
      .map(([, name = '']) => name)
      .filter(name => !name.endsWith('.ts'))
      .map(name => `${name}.test.ts`)
    for (const name of [...sources, ...tests]) {
      named += 1
      const called = filesCalled(name)
      if (called.length === 0) missing.push(`${document}: ${name}`)
      if (called.length > 1) ambiguous.push(`${document}: ${name} may be ${called.join(' or ')}`)
    }
    for (const [id] of text.matchAll(/\bT\d\d\b/g)) {
      const file = programs.find(name => name.includes(`/${id.toLowerCase()}-`))
      if (file === undefined) missing.push(`${document}: ${id}`)
    }
  }
  assert.deepEqual(missing, [])
  assert.deepEqual(ambiguous, [])
  assert.ok(named > 60, `only ${named} are named`)
})
