import assert from 'node:assert/strict'
import test from 'node:test'
import { runPool } from './work-pool.ts'

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

test('every item is worked on once, and never more at once than asked', async () => {
  const seen: number[] = []
  let running = 0
  let most = 0
  await runPool(
    Array.from({ length: 50 }, (_, i) => i),
    4,
    async item => {
      running += 1
      most = Math.max(most, running)
      await pause(1)
      seen.push(item)
      running -= 1
    },
  )
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i),
  )
  assert.equal(most, 4)
})

test('an asynchronous source is asked for one item after the other, and closed', async () => {
  let asking = 0
  let isClosed = false
  async function* source() {
    try {
      for (let i = 0; i < 10; i += 1) {
        asking += 1
        assert.equal(asking, 1)
        await pause(1)
        asking -= 1
        yield i
      }
    } finally {
      isClosed = true
    }
  }
  let done = 0
  await runPool(source(), 3, async () => {
    done += 1
  })
  assert.equal(done, 10)
  assert.equal(isClosed, true)
})

test('the first failure ends it, after the running work is over', async () => {
  const begun: number[] = []
  let running = 0
  const work = async (item: number) => {
    begun.push(item)
    running += 1
    await pause(item === 1 ? 1 : 10)
    running -= 1
    if (item === 1) throw new RangeError('one')
  }
  await assert.rejects(runPool([0, 1, 2, 3, 4, 5, 6, 7], 2, work), RangeError)
  assert.equal(running, 0)
  assert.ok(begun.length <= 3, `${begun.length} begun`)
})
