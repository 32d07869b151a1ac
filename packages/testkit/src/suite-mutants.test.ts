import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { elementMutants } from './mutants/element-mutants.ts'
import { failedTests, runSuite } from './mutants/run-suite.ts'

/** A suite that cannot fail proves nothing: each of these broken drivers must be noticed. */
const mutants: [mutant: string, noticedBy: string][] = [
  ['disk: short-writes', 'D3'],
  ['disk: replacing-link', 'D2'],
  ['disk: blind-names', 'D5'],
  ['disk: no-truncate', 'truncate cuts'],
  ...Object.keys(elementMutants).map(name => {
    const [promise] = /^E\d|^\w+/.exec(name) ?? []
    return [`element: ${name}`, promise ?? name] satisfies [string, string]
  }),
]

const fixture = join(import.meta.dirname, 'mutants', 'suite-under-mutant.ts')

describe('every suite notices a broken driver', { concurrency: 2 }, () => {
  for (const [mutant, noticedBy] of mutants) {
    test(`${mutant} is noticed by ${noticedBy}`, async () => {
      assert.ok(failedTests(await runSuite(fixture, noticedBy, mutant)) > 0, 'nobody noticed')
    })
  }
})
