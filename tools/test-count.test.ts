import assert from 'node:assert/strict'
import { test } from 'node:test'
import { areTestsOver, countEvents } from './test-count.ts'

const pass = { type: 'test:pass', name: 'a', nesting: 0, kind: 'test', skipped: false, todo: false }
const fail = { ...pass, type: 'test:fail', name: 'b', line: 7, error: 'boom' }
const begin = { type: 'test:enqueue', nesting: 0 }
const summary = { type: 'test:summary' }
const text = (events: object[]) => events.map(event => JSON.stringify(event)).join('\n')
const count = (events: object[], reason?: string) =>
  countEvents(text([...events, summary]), reason, '')

test('passing tests are counted, their suites are not', () => {
  const result = count([pass, { ...pass, nesting: 1 }, { ...pass, kind: 'suite' }])
  assert.equal(result.passed, 2)
  assert.deepEqual(result.failures, [])
})

test('a failure is told once, not again by its parents', () => {
  const parent = { ...fail, kind: 'suite', failure: 'subtestsFailed' }
  assert.deepEqual(count([fail, parent]).failures, [{ name: 'b (line 7)', text: 'boom' }])
})

test('a suite whose hook failed has failed', () => {
  assert.equal(count([{ ...fail, kind: 'suite', failure: 'hookFailed' }]).failures.length, 1)
})

test('a file without tests has failed', () => {
  assert.equal(count([]).failures[0]?.name, 'no test ran')
})

test('a file that was ended has failed, even if all its tests passed', () => {
  assert.equal(count([pass], 'too slow').failures[0]?.name, 'too slow')
})

test('skipped tests are neither passed nor failed', () => {
  const result = count([{ ...pass, skipped: true }, pass])
  assert.deepEqual([result.passed, result.skipped, result.failures.length], [1, 1, 0])
})

test('a file that ends amid its tests has failed', () => {
  const name = 'the file ended before its tests'
  assert.equal(countEvents(text([pass]), undefined, '').failures[0]?.name, name)
})

test('a cut last line is left out', () => {
  const result = countEvents(`${text([pass])}\n{"type":"te`, 'too slow', '')
  assert.equal(result.passed, 1)
})

test('tests are over when each that began has ended', () => {
  assert.equal(areTestsOver(''), false)
  assert.equal(areTestsOver(text([begin])), false)
  assert.equal(areTestsOver(text([begin, begin, pass])), false)
  assert.equal(areTestsOver(text([begin, { ...pass, nesting: 1 }, begin, pass, fail])), true)
})
