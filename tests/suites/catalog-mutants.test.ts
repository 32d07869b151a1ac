import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { catalogMutants } from '@holdfast/testkit/mutants/catalog-mutants.ts'
import { failedTests, runSuite } from '@holdfast/testkit/mutants/run-suite.ts'

const fixture = join(import.meta.dirname, 'catalog-under-mutant.ts')

/** A suite that cannot fail proves nothing: each of these broken catalogs must be noticed. */
describe('the catalog suite notices a broken catalog', { concurrency: 2 }, () => {
  for (const mutant of Object.keys(catalogMutants)) {
    const [noticedBy = ''] = mutant.split(': ')
    test(mutant, async () => {
      assert.ok(failedTests(await runSuite(fixture, noticedBy, mutant)) > 0, 'nobody noticed')
    })
  }
})
