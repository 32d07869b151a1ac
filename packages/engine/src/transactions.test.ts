import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { transactions } from './transactions.ts'

/** Every module that importing `from` loads, and who asks for it; type imports load nothing. */
function loaded(from: URL, seen = new Map<string, string>()): Map<string, string> {
  const source = readFileSync(from, 'utf8')
  for (const [, names = '', specifier = ''] of source.matchAll(
    /^import ((?:.|\n)*?) from '([^']+)'$/gm,
  )) {
    if (names.startsWith('type ') || isOnlyTypes(names)) continue
    if (!specifier.startsWith('.')) {
      seen.set(specifier, from.pathname)
      continue
    }
    const target = new URL(specifier, from)
    if (seen.has(target.href)) continue
    seen.set(target.href, from.pathname)
    loaded(target, seen)
  }
  return seen
}

function isOnlyTypes(names: string): boolean {
  const list = names.replace(/[{}]/g, '').split(',')
  return list.every(name => name.trim() === '' || name.trim().startsWith('type '))
}

describe('the transactions', () => {
  it('reach for nothing but the catalog: no clock, randomness, element or engine', () => {
    const modules = loaded(new URL('./transactions.ts', import.meta.url))
    assert.ok(modules.size > 20, 'the walk found the transactions')
    // Of node:crypto only what gives the same for the same, which seals the audit log.
    const allowed = /^(?:node:util|node:crypto|@holdfast\/core\/(?:errors|limits|names|ids)\.ts)$/
    for (const [name, by] of modules) {
      if (!name.startsWith('file:')) assert.match(name, allowed, `imported by ${by}`)
      assert.doesNotMatch(name, /\/engine\.ts$|\/intake\//, `imported by ${by}`)
    }
    for (const name of modules.keys()) {
      if (!name.startsWith('file:')) continue
      const source = readFileSync(new URL(name), 'utf8')
      assert.doesNotMatch(source, /Date\.now|new Date\(\)|Math\.random|random[A-Z]|generate/, name)
    }
  })

  it('are named for their room', () => {
    for (const name of Object.keys(transactions)) assert.match(name, /^[a-z]+\.[a-zA-Z]+$/)
  })
})

const table = new URL('./transactions.ts', import.meta.url)

/** Writes a record that rights are decided by, or takes a bucket by its name. */
const JUDGED =
  /tx\.(?:put|remove)\.(?:asset|version|link|bucket|upload|part|quota)\b|tx\.buckets\.byName|'share'/

const besidePut = 'asks for it with the key, which must be held by the asset that it was'
const ofUsers = 'a right over users, decided without looking at any bucket'
const ofCeilings = 'a right to all ceilings, whichever bucket has the name'
const unjudged = 'follows from a right that was used, and takes nobody anything'

/** Those that are not `guarded`, and why nothing is done that was decided about something else. */
const reasons: Readonly<Record<string, string>> = {
  'assets.put': besidePut,
  'assets.putMany': besidePut,
  'objects.remove': besidePut,
  'uploads.complete': 'as the put in it; an upload is never another one’s later',
  'buckets.create': 'there is nothing that it was decided by; names and limits are asked inside',
  'buckets.give': 'compares whose it is with whose it was; only administrators give',
  'buckets.endGiving': unjudged,
  'assets.give': 'leaves what is of another bucket or owner than was decided about',
  'quotas.set': ofCeilings,
  'quotas.remove': ofCeilings,
  'groups.set': ofUsers,
  'groups.remove': ofUsers,
  'grants.add': ofUsers,
  'grants.remove': ofUsers,
  'shares.add': 'decided anew at each use, and only for the bucket with that id',
  'shares.use': 'asks inside whether the share and its maker are good',
  'shares.fail': unjudged,
  'shares.revoke': 'only takes away, by who makes it or rules its maker',
}

interface Named {
  readonly isGuarded: boolean
  readonly isJudged: boolean
}

/** Of every transaction, as the table says it. */
function named(): Map<string, Named> {
  const source = readFileSync(table, 'utf8')
  const modules = new Map<string, string>()
  for (const [, names = '', specifier = ''] of source.matchAll(IMPORT)) {
    for (const name of names.split(',')) modules.set(name.trim(), specifier)
  }
  const found = new Map<string, Named>()
  for (const [, name = '', guard, run = ''] of source.matchAll(ENTRY)) {
    const specifier = modules.get(run)
    assert.ok(specifier, `${run} is imported`)
    const from = new URL(specifier, table)
    const all = [from.href, ...loaded(from).keys()].filter(one => one.startsWith('file:'))
    const isJudged = all.some(one => JUDGED.test(readFileSync(new URL(one), 'utf8')))
    found.set(name, { isGuarded: guard !== undefined, isJudged })
  }
  return found
}

const IMPORT = /^import \{([^}]*)\} from '(\.[^']*)'$/gm
const ENTRY = /^ {2}'([\w.]+)': (guarded\()?(\w+)\)?,$/gm

describe('what a transaction was decided by', () => {
  it('is proved inside, or there is a reason why not', () => {
    const all = named()
    assert.deepEqual([...all.keys()].sort(), Object.keys(transactions).sort())
    const open = [...all].filter(([, { isGuarded, isJudged }]) => isJudged && !isGuarded)
    assert.deepEqual(open.map(([name]) => name).sort(), Object.keys(reasons).sort())
  })

  it('is named wherever one is asked for, but by the server itself', () => {
    const unseen = globSync('**/*.ts', { cwd: import.meta.dirname })
      .filter(file => !file.endsWith('.test.ts'))
      .filter(file => /\bseen: \[\]/.test(readFileSync(new URL(file, table), 'utf8')))
    assert.deepEqual(unseen, ['integrity/collect.ts'])
  })
})
