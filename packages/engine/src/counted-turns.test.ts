import assert from 'node:assert/strict'
import { test } from 'node:test'

/** Counts the turns of the event loop until `stop`. */
export function countTurns() {
  let turn = 0
  let running = true
  const tick = () => {
    turn += 1
    if (running) setImmediate(tick)
  }
  setImmediate(tick)
  return {
    now: () => turn,
    stop: () => {
      running = false
    },
  }
}

if (import.meta.main) {
  test('a turn of the event loop counts as one', async () => {
    const turns = countTurns()
    const before = turns.now()
    await new Promise(resolve => setImmediate(resolve))
    turns.stop()
    assert.equal(turns.now(), before + 1)
  })
}
