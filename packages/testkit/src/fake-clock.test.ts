import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from './fake-clock.ts'

test('time moves only when told', async () => {
  const clock = new FakeClock(1000)
  const woken: string[] = []
  const sleepers = [30, 10, 20].map(ms => clock.sleep(ms).then(() => woken.push(`${ms}`)))
  await clock.advance(25)
  assert.deepEqual(woken, ['10', '20'])
  assert.equal(clock.now(), 1025)
  assert.equal(clock.monotonic(), 25)
  await clock.advance(5)
  await Promise.all(sleepers)
  assert.deepEqual(woken, ['10', '20', '30'])
  assert.equal(clock.sleeping, 0)
})

test('who sleeps again inside the span is woken again', async () => {
  const clock = new FakeClock()
  const times: number[] = []
  const loop = async () => {
    for (let i = 0; i < 3; i += 1) {
      await clock.sleep(10)
      times.push(clock.monotonic())
    }
  }
  const done = loop()
  await clock.advance(100)
  await done
  assert.deepEqual(times, [10, 20, 30])
})

test('a jump moves the wall clock alone', async () => {
  const clock = new FakeClock(5000)
  let woke = false
  const sleeping = clock.sleep(100).then(() => {
    woke = true
  })
  clock.jump(-4000)
  assert.equal(clock.now(), 1000)
  assert.equal(clock.monotonic(), 0)
  assert.equal(woke, false)
  await clock.advance(100)
  await sleeping
  assert.equal(clock.now(), 1100)
})

test('an aborted sleep rejects with the reason', async () => {
  const clock = new FakeClock()
  const stop = new AbortController()
  const reason = new Error('enough')
  const sleeping = assert.rejects(clock.sleep(10, stop.signal), reason)
  stop.abort(reason)
  await sleeping
  assert.equal(clock.sleeping, 0)
  await assert.rejects(clock.sleep(10, stop.signal), reason)
})
