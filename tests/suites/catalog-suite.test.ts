import { catalogSuite } from '@holdfast/testkit/catalog-suite.ts'
import { transactions, transactionsUrl } from '@holdfast/testkit/test-transactions.ts'
import { openUnderTest } from './sqlite-under-test.ts'

catalogSuite('sqlite, committer in this thread', () => openUnderTest({ transactions }), {
  histories: 25,
})
catalogSuite('sqlite, committer in its own thread', () => openUnderTest({ transactionsUrl }), {
  histories: 4,
})
