import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from 'otpauth'
import { toBase32 } from './base32.ts'
import { hotp, stepAt, stepOfCode } from './one-time-code.ts'

const secret = Buffer.from('12345678901234567890')

test('codes are those of RFC 4226 appendix D', () => {
  const expected = '755224 287082 359152 969429 338314 254676 287922 162583 399871 520489'
  const codes = Array.from({ length: 10 }, (_, counter) => hotp(secret, counter))
  assert.equal(codes.join(' '), expected)
})

test('codes of moments are those of RFC 6238 appendix B', () => {
  for (const [seconds, code] of [
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ] as const) {
    assert.equal(hotp(secret, stepAt(seconds * 1000), 8), code)
  }
})

test('a code is taken one step early or late, never two, and only after the last one', () => {
  const nowMs = 1_234_567_890_000
  const now = stepAt(nowMs)
  const take = (step: number, lastStep = 0) =>
    stepOfCode(secret, hotp(secret, step), { nowMs, lastStep })
  assert.deepEqual(
    [-2, -1, 0, 1, 2].map(offset => take(now + offset)),
    [undefined, now - 1, now, now + 1, undefined],
  )
  assert.deepEqual(
    [take(now, now - 1), take(now, now), take(now, now + 1)],
    [now, undefined, undefined],
  )
  for (const code of ['', '12345', hotp(secret, now).slice(1), `${hotp(secret, now)}0`, '١٢٣٤٥٦']) {
    assert.equal(stepOfCode(secret, code, { nowMs, lastStep: 0 }), undefined)
  }
})

test('base32 is that of RFC 4648 §10', () => {
  const words = ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar']
  const expected = ['', 'MY', 'MZXQ', 'MZXW6', 'MZXW6YQ', 'MZXW6YTB', 'MZXW6YTBOI']
  assert.deepEqual(
    words.map(word => toBase32(Buffer.from(word))),
    expected,
  )
  for (let length = 1; length < 40; length += 1) {
    const bytes = Buffer.from(Array.from({ length }, (_, at) => (at * 89 + length * 31) % 256))
    assert.deepEqual(Buffer.from(Secret.fromBase32(toBase32(bytes)).bytes), bytes)
  }
})
