import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lasting } from './lasting.ts'

test('a part goes on until its time is over and enough was counted, or the budget is', () => {
  const budget = new AbortController()
  let counted = 0
  const goesOn = lasting({ signal: budget.signal }, 0, () => counted >= 3)
  while (goesOn()) counted += 1
  assert.equal(counted, 3)
  assert.equal(lasting({ signal: budget.signal }, 3600, () => true)(), true)
  budget.abort()
  assert.equal(lasting({ signal: budget.signal }, 3600, () => false)(), false)
})
