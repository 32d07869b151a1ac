import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicy, requireConditions } from './policy-document.ts'

test('content types in a list begin with the prefix each', () => {
  const conditions = [{ bucket: 'forms' }, ['starts-with', '$Content-Type', 'text/']]
  const document = { expiration: '2999-01-01T00:00:00Z', conditions }
  const policy = parsePolicy(Buffer.from(JSON.stringify(document)).toString('base64'))
  const require = (type: string) =>
    requireConditions(policy, new Map([['content-type', type]]), 'forms')
  for (const type of ['text/plain', 'text/plain, text/html', 'text/plain,text/html']) require(type)
  for (const type of ['text/plain, image/png', 'text/plain,', ' text/plain', 'image/png, text/x']) {
    assert.throws(() => require(type), { code: 'AccessDenied' }, type)
  }
})

test('of several conditions on the length the narrowest of each end counts', () => {
  const ranges = [
    ['content-length-range', 5, 10],
    ['content-length-range', 0, 1000],
    ['content-length-range', 2, 20],
  ]
  const document = { expiration: '2100-01-01T00:00:00Z', conditions: ranges }
  const policy = parsePolicy(Buffer.from(JSON.stringify(document)).toString('base64'))
  assert.deepEqual(policy.lengths, { min: 5, max: 10 })
})

test('a policy ends by the time of UTC, and names nothing twice', () => {
  const parse = (text: string) => parsePolicy(Buffer.from(text).toString('base64'))
  const conditions = '"conditions":[{"bucket":"forms"}]'
  const ends = (time: string) => parse(`{"expiration":"${time}",${conditions}}`).expiresMs
  for (const time of ['2100-01-01T00:00:00', '2100-01-01T00:00:00.000Z']) {
    assert.equal(ends(time), Date.UTC(2100, 0, 1), time)
  }
  assert.throws(() => ends('2100-01-01T00:00:00 GMT-10'), /Invalid 'expiration'/)
  const twice = `{"expiration":"2100-01-01T00:00:00Z",${conditions},"conditions":[]}`
  assert.throws(() => parse(twice), /Invalid JSON/)
})

test('a condition that does not hold is shown with the spaces that it has', () => {
  for (const shown of ['["eq","$key","a"]', '["eq", "$key", "a"]']) {
    const text = `{"expiration":"2100-01-01T00:00:00Z","conditions":[{"bucket":"forms"},${shown}]}`
    const policy = parsePolicy(Buffer.from(text).toString('base64'))
    const message = `Invalid according to Policy: Policy Condition failed: ${shown}`
    assert.throws(() => requireConditions(policy, new Map([['key', 'b']]), 'forms'), { message })
  }
})
