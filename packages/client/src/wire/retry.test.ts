import assert from 'node:assert/strict'
import test from 'node:test'
import { ClientError, type FailureFacts } from '../client-error.ts'
import { defaultRetryPolicy, isWorthRepeating, parseRetryAfter, waitBefore } from './retry.ts'

const source = (random: number) => ({ policy: defaultRetryPolicy, random: () => random })
const failure = (facts: Partial<FailureFacts>) =>
  new ClientError('no', { code: 'HTTP_STATUS', ...facts })

test('the bound of the wait doubles up to its maximum, and the jitter is full', () => {
  const waits = [1, 2, 3, 4, 20, 1000].map(attempt => waitBefore(attempt, failure({}), source(0.5)))
  assert.deepEqual(waits, [100, 200, 400, 800, 5000, 5000])
  assert.equal(waitBefore(3, failure({}), source(0)), 0)
})

test('what the server asks for is waited at least, and not at all when it is too long', () => {
  assert.equal(waitBefore(1, failure({ retryAfterMs: 3000 }), source(0)), 3000)
  assert.equal(waitBefore(1, failure({ retryAfterMs: 3000 }), source(0.5)), 3100)
  assert.equal(waitBefore(1, failure({ retryAfterMs: 60_001 }), source(0)), undefined)
})

test('only failures that may pass by themselves are worth another attempt', () => {
  const statuses = Array.from({ length: 200 }, (_, index) => 400 + index)
  const request = { idempotent: true, replayable: true }
  const repeated = statuses.filter(status => isWorthRepeating(failure({ status }), request))
  assert.deepEqual(repeated, [408, 429, 502, 503, 504])
  assert.equal(isWorthRepeating(failure({ code: 'NETWORK' }), request), true)
  assert.equal(isWorthRepeating(failure({ code: 'TIMEOUT' }), request), true)
  assert.equal(isWorthRepeating(failure({ code: 'CONTENT_DAMAGED' }), request), false)
})

test('what may have been applied is repeated only when twice is the same as once', () => {
  const unsure = failure({ code: 'NETWORK', mayHaveApplied: true })
  const refused = failure({ status: 503, mayHaveApplied: false })
  const post = { idempotent: false, replayable: true }
  assert.equal(isWorthRepeating(unsure, post), false)
  assert.equal(isWorthRepeating(refused, post), true)
  assert.equal(isWorthRepeating(unsure, { idempotent: true, replayable: true }), true)
  assert.equal(isWorthRepeating(refused, { idempotent: true, replayable: false }), false)
})

test('Retry-After is seconds or a date by the clock of the server', () => {
  const read = (headers: Record<string, string>) => parseRetryAfter(new Headers(headers))
  const date = 'Sat, 21 Nov 2026 22:00:00 GMT'
  assert.equal(read({ 'retry-after': '7' }), 7000)
  assert.equal(read({ 'retry-after': 'Sat, 21 Nov 2026 22:00:09 GMT', date }), 9000)
  assert.equal(read({ 'retry-after': 'Sat, 21 Nov 2026 21:00:00 GMT', date }), 0)
  assert.equal(read({ 'retry-after': 'soon', date }), undefined)
  assert.equal(read({ 'retry-after': '-1' }), undefined)
  assert.equal(read({}), undefined)
})
