import { describe } from 'node:test'
import { failureTests } from './element/failure-tests.ts'
import { noteTests } from './element/note-tests.ts'
import { loanTests, rangeTests } from './element/range-tests.ts'
import { stagingTests } from './element/staging-tests.ts'
import type { OpenElement } from './element/under-test.ts'
import { writeTests } from './element/write-tests.ts'

/** What every `Element` must do; test names begin with the promise they hold to. */
export function elementSuite(name: string, open: OpenElement): void {
  describe(`element: ${name}`, () => {
    writeTests(open)
    rangeTests(open)
    loanTests(open)
    failureTests(open)
    noteTests(open)
    stagingTests(open)
  })
}
