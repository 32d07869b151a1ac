import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitEmail, fitName, fitUsername } from './profile.ts'

test('names from outside have no control characters, are short, and never empty', () => {
  const fitted = {
    'a\0b': 'a b',
    'a\r\nSet-Cookie: b': 'a  Set-Cookie: b',
    '\u001b[31mred': '[31mred',
    'a\u0085b\u009bc\u007fd': 'a b c d',
    'half \ud800': 'half \ufffd',
    'ann\u202egpj.exe': 'ann\ufffdgpj.exe',
    'a\u2028b\u2066c\u2069': 'a\ufffdb\ufffdc\ufffd',
    ' \t\n': '?',
    '': '?',
    ['\u{1f600}'.repeat(101)]: '\u{1f600}'.repeat(100),
  }
  for (const [name, expected] of Object.entries(fitted)) assert.equal(fitName(name), expected)
})

test('nobody from outside is called as the server calls itself, or strangers', () => {
  const fitted = {
    system: 'system?',
    'SYSTEM ': 'SYSTEM?',
    'sys\u200btem': 'sys\u200btem?',
    '\uff53\uff59stem': '\uff53\uff59stem?',
    'system\u034f': 'system\u034f?',
    'sys\u3164tem\ufe0f': 'sys\u3164tem\ufe0f?',
    anonymous: 'anonymous?',
    systems: 'systems',
    ann: 'ann',
  }
  for (const [name, expected] of Object.entries(fitted)) {
    assert.equal(fitUsername(name), expected)
  }
})

test('what is no address is left out', () => {
  assert.equal(fitEmail('ann@example.org'), 'ann@example.org')
  for (const bad of [undefined, '', 'ann', 'ann@example.org\r\nBcc: bob@example.org', 'a b@c']) {
    assert.equal(fitEmail(bad), null)
  }
})
