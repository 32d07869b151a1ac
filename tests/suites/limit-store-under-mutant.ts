import { MemoryLimitStore } from '@holdfast/drivers/limits/memory-limit-store.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { limitStoreSuite } from '@holdfast/testkit/limit-store-suite.ts'
import { mutantLimitStore } from '@holdfast/testkit/mutants/limit-mutants.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'

/** Run in a process of its own by limit-store-mutants.test.ts, on a store that is wrong. */
const mutant = process.env.HOLDFAST_TEST_MUTANT ?? ''

limitStoreSuite('wrong', async () => {
  const clock = new FakeClock()
  const store = new MemoryLimitStore({ clock, random: new SeededRandom(1) }, 500)
  return {
    store: mutantLimitStore(store, mutant),
    elapse: ms => clock.advance(ms),
    close: () => store[Symbol.asyncDispose](),
  }
})
