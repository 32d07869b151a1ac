import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitEmail, fitName } from './profile.ts'

test('names from outside have no control characters, are short, and never empty', () => {
  const fitted = {
    'a\0b': 'a b',
    'a\r\nSet-Cookie: b': 'a  Set-Cookie: b',
    '\u001b[31mred': '[31mred',
    'a\u0085b\u009bc\u007fd': 'a b c d',
    'half \ud800': 'half \ufffd',
    ' \t\n': '?',
    '': '?',
    ['\u{1f600}'.repeat(101)]: '\u{1f600}'.repeat(100),
  }
  for (const [name, expected] of Object.entries(fitted)) assert.equal(fitName(name), expected)
})

test('what is no address is left out', () => {
  assert.equal(fitEmail('ann@example.org'), 'ann@example.org')
  for (const bad of [undefined, '', 'ann', 'ann@example.org\r\nBcc: bob@example.org', 'a b@c']) {
    assert.equal(fitEmail(bad), null)
  }
})
