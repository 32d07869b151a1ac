import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { limitMutants } from '@holdfast/testkit/mutants/limit-mutants.ts'
import { failedTests, runSuite } from '@holdfast/testkit/mutants/run-suite.ts'

const fixture = join(import.meta.dirname, 'limit-store-under-mutant.ts')

describe('the limit store suite notices a broken store', { concurrency: 2 }, () => {
  for (const mutant of Object.keys(limitMutants)) {
    test(mutant, async () => {
      const output = await runSuite(fixture, mutant.slice(0, 2), mutant)
      assert.ok(failedTests(output) > 0, 'nobody noticed')
    })
  }
})
