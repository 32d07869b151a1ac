import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { SigningKey } from './signing-key.ts'

test('a signature is the HMAC-SHA-256 of the text', () => {
  for (const bytes of [0, 1, 20, 32, 63, 64]) {
    const raw = randomBytes(bytes)
    const key = new SigningKey(raw)
    for (const text of ['', 'a', '\n', 'é€😀', '\ud800', 'x'.repeat(319), 'é'.repeat(321)]) {
      for (const whole of [text, text.repeat(40)]) {
        assert.equal(key.sign(whole), createHmac('sha256', raw).update(whole).digest('hex'))
      }
    }
  }
  assert.throws(() => new SigningKey(randomBytes(65)), RangeError)
})
