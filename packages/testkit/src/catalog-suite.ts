import { describe } from 'node:test'
import { assetTests } from './catalog/asset-tests.ts'
import { batchTests } from './catalog/batch-tests.ts'
import { counterTests } from './catalog/counter-tests.ts'
import { filterTests } from './catalog/filter-tests.ts'
import { objectTests } from './catalog/object-tests.ts'
import { identityTests } from './catalog/people/identity-tests.ts'
import { promiseTests } from './catalog/promise-tests.ts'
import { recordTests } from './catalog/record-tests.ts'
import { searchTests } from './catalog/search-tests.ts'
import type { OpenCatalog } from './catalog/under-test.ts'
import { uploadTests } from './catalog/upload-tests.ts'
import { versionTests } from './catalog/version-tests.ts'

export interface CatalogSuiteOptions {
  /** Random histories to play; each opens and rebuilds a catalog of its own. */
  readonly histories?: number
}

/** What every `Catalog` must do; test names begin with the promise they hold to. */
export function catalogSuite(
  name: string,
  open: OpenCatalog,
  options: CatalogSuiteOptions = {},
): void {
  describe(`catalog: ${name}`, () => {
    promiseTests(open)
    batchTests(open)
    recordTests(open)
    identityTests(open)
    assetTests(open)
    filterTests(open)
    searchTests(open)
    versionTests(open)
    objectTests(open)
    uploadTests(open)
    counterTests(open, options.histories ?? 25)
  })
}
