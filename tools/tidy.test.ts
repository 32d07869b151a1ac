import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sizeRules } from './tidy/sizes.ts'
import { parseSource } from './tidy/source.ts'
import { repositorySources, sizes, tidy } from './tidy.ts'

test('the repository is tidy', () => {
  const findings = tidy(repositorySources())
  const told = findings.map(({ path, line, rule, text }) => `${path}:${line} ${rule}: ${text}`)
  assert.equal(told.length, 0, `\n${told.join('\n')}`)
})

interface Sample {
  what: string
  files: Record<string, string>
  finds: RegExp
}

const engine = 'packages/engine/src/assets/put.ts'
const lines = (count: number) => 'void 0\n'.repeat(count)

const bad: Sample[] = [
  { what: 'a camel-case file', files: { 'packages/core/src/putAsset.ts': '' }, finds: /kebab/ },
  { what: 'an index file', files: { 'packages/core/src/index.ts': '' }, finds: /no index/ },
  {
    what: 'an empty word in a file name',
    files: { 'packages/core/src/string-utils.ts': '' },
    finds: /"utils" says nothing/,
  },
  {
    what: 'an empty word in a folder name',
    files: { 'packages/core/src/common/name.ts': '' },
    finds: /"common" says nothing/,
  },
  {
    what: 'an empty word in a class name',
    files: { [engine]: 'export class AssetManager {}' },
    finds: /AssetManager: "manager"/,
  },
  {
    what: 'an empty word in a parameter',
    files: { [engine]: 'export function put(assetHelper: string) { return assetHelper }' },
    finds: /assetHelper: "helper"/,
  },
  {
    what: 'a type named after its pattern',
    files: { [engine]: 'export interface AssetService {}' },
    finds: /not named \.\.\.service/,
  },
  {
    what: 'an I before an interface',
    files: { [engine]: 'export interface IAsset {}' },
    finds: /no I before/,
  },
  {
    what: 'a second version of a name',
    files: { [engine]: 'export const putV2 = 1' },
    finds: /replaces the first/,
  },
  { what: 'console', files: { [engine]: 'console.log(1)' }, finds: /console belongs/ },
  { what: 'process', files: { [engine]: 'process.exit(1)' }, finds: /process belongs/ },
  { what: 'the time of day', files: { [engine]: 'Date.now()' }, finds: /Date\.now belongs/ },
  { what: 'a date of now', files: { [engine]: 'new Date()' }, finds: /new Date\(\) belongs/ },
  { what: 'chance', files: { [engine]: 'Math.random()' }, finds: /Math\.random belongs/ },
  { what: 'a timer', files: { [engine]: 'setTimeout(put, 1)' }, finds: /setTimeout belongs/ },
  {
    what: 'an imported timer',
    files: { [engine]: "import { setTimeout } from 'node:timers/promises'" },
    finds: /timers\/promises belongs/,
  },
  {
    what: 'the file system',
    files: { [engine]: "import { readFile } from 'node:fs/promises'" },
    finds: /fs\/promises belongs/,
  },
  {
    what: 'a room that imports against the direction',
    files: { [engine]: "import { nodeDisk } from '@holdfast/drivers/disk/node-disk.ts'" },
    finds: /engine may not import drivers/,
  },
  {
    what: 'a type imported against the direction',
    files: { [engine]: "type Disk = import('@holdfast/drivers/disk/node-disk.ts').Disk" },
    finds: /engine may not import drivers/,
  },
  {
    what: 'a room reached by path',
    files: { [engine]: "import { limits } from '../../../core/src/limits.ts'" },
    finds: /by its package name/,
  },
  {
    what: 'a core that needs something',
    files: { 'packages/core/src/ids.ts': "import { randomUUID } from 'node:crypto'" },
    finds: /core imports nothing from outside/,
  },
  {
    what: 'a door that opens another door',
    files: { 'packages/server/src/doors/s3/put.ts': "import { x } from '../rest/put.ts'" },
    finds: /another door/,
  },
  {
    what: 'a door that knows a driver',
    files: {
      'packages/server/src/doors/s3/put.ts': "import { x } from '@holdfast/drivers/open.ts'",
    },
    finds: /only packages\/server\/src\/context\.ts, .* imports drivers/,
  },
  {
    what: 'a cycle, even of types',
    files: {
      'packages/core/src/a.ts': "import type { B } from './b.ts'",
      'packages/core/src/b.ts': "import type { C } from './c.ts'",
      'packages/core/src/c.ts': "import type { A } from './a.ts'",
    },
    finds: /cycle: packages\/core\/src\/a\.ts -> .*b\.ts -> .*c\.ts/,
  },
  {
    what: 'a dependency that is not named',
    files: {
      'packages/engine/package.json': '{ "name": "@holdfast/engine", "dependencies": {} }',
      [engine]: "import { x } from 'left-pad'",
    },
    finds: /engine does not depend on left-pad/,
  },
  {
    what: 'a version range',
    files: { 'packages/engine/package.json': '{ "dependencies": { "pino": "^10.0.0" } }' },
    finds: /not one exact version/,
  },
  { what: 'a long file', files: { [engine]: lines(501) }, finds: /501 lines, at most 500/ },
  {
    what: 'a long function',
    files: { [engine]: `export function put() {\n${lines(90)}}` },
    finds: /#put: 92 lines, at most 90/,
  },
  {
    what: 'a long arrow function',
    files: { [engine]: `const put = () => {\n${lines(90)}}` },
    finds: /#put: 92 lines/,
  },
  { what: 'a wide line', files: { [engine]: `// ${'ab '.repeat(40)}` }, finds: /123 columns/ },
  {
    what: 'a crowded folder',
    files: Object.fromEntries(
      Array.from({ length: 16 }, (_, index) => [`packages/core/src/file-${index}.ts`, '']),
    ),
    finds: /16 source files, at most 15/,
  },
  {
    what: 'work to do without an issue',
    files: { [engine]: `// ${'TO'}${'DO'}: later` },
    finds: /number of its issue/,
  },
  { what: 'unfinished work', files: { [engine]: `// ${'FIX'}${'ME'}` }, finds: /not merged/ },
  {
    what: 'a path of one machine',
    files: { 'docs/start.md': `see ${'/wo'}${'rk/'}main` },
    finds: /path of one machine/,
  },
  { what: 'a barrel', files: { [engine]: "export * from './get.ts'" }, finds: /no barrels/ },
]

for (const { what, files, finds } of bad) {
  test(`${what} is found`, () => {
    const told = check(files)
    assert.ok(
      told.some(line => finds.test(line)),
      `found only: ${told.join('; ')}`,
    )
  })
}

const good: Sample['files'][] = [
  { [engine]: "import { limits } from '@holdfast/core/limits.ts'\nexport const put = limits" },
  { [engine]: 'export const at = (date: number) => new Date(date)' },
  { [engine]: `// ${'TO'}${'DO'}(#12): measure again` },
  { [engine]: `// ${'x'.repeat(120)}` },
  { 'packages/engine/src/queue/jobs.ts': "import { a } from '../queue/job.ts'" },
  {
    'packages/engine/src/a.test.ts': "import { a } from '@holdfast/drivers/open.ts'\na(Date.now())",
  },
  { 'apps/holdfast/src/main.ts': 'console.log(process.argv)' },
  { 'packages/core/src/a.ts': "import { b } from './b.ts'", 'packages/core/src/b.ts': '' },
  { 'packages/server/src/doors/s3/put.ts': "import { x } from './get.ts'" },
  { 'packages/server/src/context.ts': "import { x } from '@holdfast/drivers/open.ts'" },
]

for (const files of good) {
  test(`nothing is found in ${Object.values(files)[0]?.slice(0, 60)}`, () => {
    assert.deepEqual(check(files), [])
  })
}

test('a function on the ratchet may not grow, and its entry follows it down', () => {
  const source = parseSource(engine, `export function put() {\n${lines(98)}}`)
  const findings = (max: number) =>
    sizeRules(source, { ...sizes, ratchet: { [`${engine}#put`]: max } }).map(({ rule }) => rule)
  assert.deepEqual(findings(99), ['size'])
  assert.deepEqual(findings(100), [])
  assert.deepEqual(findings(101), ['ratchet'])
})

function check(files: Sample['files']): string[] {
  const sources = Object.entries(files).map(([path, text]) => parseSource(path, text))
  return tidy(sources).map(({ path, line, rule, text }) => `${path}:${line} ${rule}: ${text}`)
}
