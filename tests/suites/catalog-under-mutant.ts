import { catalogSuite } from '@holdfast/testkit/catalog-suite.ts'
import { catalogMutants } from '@holdfast/testkit/mutants/catalog-mutants.ts'
import { transactions } from '@holdfast/testkit/test-transactions.ts'
import { openUnderTest } from './sqlite-under-test.ts'

/** Run in a process of its own by catalog-mutants.test.ts: the suite on a catalog that is wrong. */
const name = process.env.HOLDFAST_TEST_MUTANT ?? ''
const mutate = catalogMutants[name]
if (mutate === undefined) throw new RangeError(`no mutant ${name}`)

catalogSuite('wrong', async () => {
  const under = await openUnderTest({ transactions })
  return { ...under, catalog: mutate(under.catalog) }
})
