import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
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
