import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { limitStoreSuite } from '@holdfast/testkit/limit-store-suite.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { MemoryLimitStore } from './memory-limit-store.ts'

for (const keysMax of [500, 50_000]) {
  limitStoreSuite(`memory of ${keysMax} keys`, async () => {
    const clock = new FakeClock()
    const store = new MemoryLimitStore({ clock, random: new SeededRandom(1) }, keysMax)
    return {
      store,
      elapse: ms => clock.advance(ms),
      size: () => store.size,
      close: () => store[Symbol.asyncDispose](),
    }
  })
}
