// The style guide that can be run: names, homes, import directions, sizes, words.
// `node tools/tidy.ts` prints what it finds; `--ratchet` rewrites tidy-ratchet.json.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { dependencyRules } from './tidy/dependencies.ts'
import { type Homes, homeRules } from './tidy/homes.ts'
import { cycleRules, type ImportSettings, importRules } from './tidy/imports.ts'
import { type NameSettings, nameRules } from './tidy/names.ts'
import { folderRules, longFunctions, type SizeSettings, sizeRules } from './tidy/sizes.ts'
import { type Finding, parseSource, type Source } from './tidy/source.ts'
import { wordRules } from './tidy/words.ts'

const programs = ['apps/holdfast', 'bench', 'packages/load', 'tools', 'torture']
const timers = [
  ...programs,
  'packages/drivers/src/clock',
  // Threads of their own, which no clock can be handed to.
  'packages/drivers/src/store/link/committer-thread.ts',
  'packages/drivers/src/element/disk/large/md5-thread.ts',
  'packages/testkit/src',
  'packages/server/src/serve.ts',
]
const files = [...programs, 'packages/drivers/src/disk', 'packages/testkit/src']

export const homes: Homes = {
  console: programs,
  process: [
    ...programs,
    'packages/testkit/src',
    'packages/server/src/serve.ts',
    // Ticks of the event loop.
    'packages/server/src/http/limits/turn-budget.ts',
    // Its limit of open files.
    'packages/server/src/http/connections/open-files.ts',
  ],
  'Date.now': timers,
  'new Date()': timers,
  setTimeout: timers,
  setInterval: timers,
  'Math.random': [...programs, 'packages/drivers/src/random'],
}

export const imports: ImportSettings = {
  rooms: {
    core: { folder: 'packages/core', imports: [] },
    engine: { folder: 'packages/engine', imports: ['core'] },
    drivers: { folder: 'packages/drivers', imports: ['core'] },
    contract: { folder: 'packages/contract', imports: ['core'] },
    client: { folder: 'packages/client', imports: ['contract'] },
    server: { folder: 'packages/server', imports: ['core', 'engine', 'drivers', 'contract'] },
    testkit: { folder: 'packages/testkit', imports: ['core'] },
    load: { folder: 'packages/load', imports: [] },
    holdfast: {
      folder: 'apps/holdfast',
      imports: ['core', 'contract', 'client', 'server', 'load'],
    },
    bench: {
      folder: 'bench',
      imports: ['core', 'engine', 'drivers', 'contract', 'client', 'server', 'testkit', 'load'],
    },
    torture: {
      folder: 'torture',
      imports: ['core', 'engine', 'drivers', 'contract', 'client', 'server', 'testkit'],
    },
    tools: { folder: 'tools', imports: [] },
  },
  only: [
    {
      from: 'server',
      to: 'drivers',
      files: [
        'packages/server/src/context.ts',
        'packages/server/src/composition/counting.ts',
        'packages/server/src/composition/outside.ts',
      ],
    },
  ],
  doors: 'packages/server/src/doors',
  nodeHomes: {
    fs: files,
    'fs/promises': files,
    process: homes.process ?? [],
    timers: timers,
    'timers/promises': timers,
    // What is served starts no process: no name becomes a command.
    child_process: ['bench', 'packages/load', 'packages/testkit/src', 'tools', 'torture'],
  },
  byPath: ['apps/holdfast/bin/holdfast.js'],
  bare: ['core'],
}

export const names: NameSettings = {
  words: ['manager', 'helper', 'helpers', 'util', 'utils', 'impl', 'abstract', 'factory', 'misc'],
  fileWords: [
    ...['manager', 'helper', 'helpers', 'util', 'utils', 'impl', 'abstract', 'factory', 'misc'],
    ...['common', 'shared', 'lib', 'types', 'interfaces', 'constants', 'base'],
  ],
  typeEndings: ['handler', 'base', 'service'],
}

const root = dirname(import.meta.dirname)
const ratchetFile = join(root, 'tools', 'tidy-ratchet.json')

export const sizes: SizeSettings = {
  fileLinesMax: 500,
  functionLinesMax: 90,
  columnsMax: 100,
  folderFilesMax: 15,
  ratchet: JSON.parse(readFileSync(ratchetFile, 'utf8')),
  longFunctionsIn: ['packages/testkit/src'],
}

/** All findings of the rules above, in the order of the files. */
export function tidy(sources: readonly Source[]): Finding[] {
  const each = sources.flatMap(source => [
    ...nameRules(source, names),
    ...homeRules(source, homes),
    ...importRules(source, imports),
    ...sizeRules(source, sizes),
    ...wordRules(source),
  ])
  const code = sources.filter(source => source.tree !== undefined)
  return [
    ...each,
    ...dependencyRules(sources),
    ...cycleRules(code, imports),
    ...folderRules(code, sizes),
  ]
}

/** What git tracks or would track, without what is generated. */
export function repositorySources(): Source[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const paths = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0')
  const readable = /\.(ts|mjs|js|json|md|yml|yaml|sh|html|css|service|conf)$|^\.ci\//
  return paths
    .filter(path => readable.test(path) && !path.endsWith('package-lock.json'))
    .filter(path => existsSync(join(root, path)))
    .sort()
    .map(path => parseSource(path, readFileSync(join(root, path), 'utf8')))
}

if (import.meta.main) {
  const sources = repositorySources()
  if (process.argv.includes('--ratchet')) {
    const entries = sources.flatMap(source => Object.entries(longFunctions(source, sizes)))
    writeFileSync(ratchetFile, `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`)
  }
  const findings = tidy(sources)
  for (const { path, line, rule, text } of findings) {
    console.log(`${path}:${line} ${rule}: ${text}`)
  }
  process.exitCode = findings.length > 0 ? 1 : 0
}
