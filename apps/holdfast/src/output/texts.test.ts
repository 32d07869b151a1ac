import assert from 'node:assert/strict'
import test from 'node:test'
import { ClientError } from '@holdfast/client'
import { parseSeconds, parseSize, secondsText, sizeText } from './amounts.ts'
import { failureText } from './failure-text.ts'
import { visible, visibleCsv, visibleJson, visiblePieces } from './visible.ts'

test('nothing that a terminal obeys or hides is shown as it is', () => {
  assert.equal(visible('a\x1b[31mb\r\n\0'), 'a\\u001b[31mb\\u000d\\u000a\\u0000')
  assert.equal(visible('a\u202etxt.exe'), 'a\\u202etxt.exe')
  assert.equal(visible('a\u200bb\u{e0041}'), 'a\\u200bb\\u{e0041}')
  assert.equal(visible('ключ 🦭 ß'), 'ключ 🦭 ß')
})

test('JSON on a terminal obeys nobody, and means the same', () => {
  const row = { agent: 'curl\u009b31m\x7f\u202e', name: 'a\u{e0041}ß🦭', line: '\x1b\n' }
  const shown = visibleJson(`${JSON.stringify(row)}\n${JSON.stringify([1])}`)
  assert.match(shown, /^[^\p{Cc}\p{Cf}]*\n\[1\]$/u)
  assert.deepEqual(JSON.parse(shown.split('\n')[0] ?? ''), row)
  assert.equal(visibleJson('{"a":"ключ 🦭"}'), '{"a":"ключ 🦭"}')
})

test('text in pieces is shown as it would be in one, wherever it is cut', async () => {
  const bytes = Buffer.from('"a\x1b",🦭\u{e0041}\r\nb\r\n\r')
  const cutAt = async (at: number) => {
    const pieces = async function* () {
      yield bytes.subarray(0, at)
      yield bytes.subarray(at)
    }
    return (await Array.fromAsync(visiblePieces(pieces(), visibleCsv))).join('')
  }
  for (let at = 0; at <= bytes.length; at += 1) {
    assert.equal(await cutAt(at), '"a\\u001b",🦭\\u{e0041}\nb\n\\u000d', `${at}`)
  }
})

test('what a server calls its refusal is shown as text', () => {
  const facts = { code: '\x1b]0;owned\x07', status: 400, requestId: '\u009b2J' }
  const text = failureText(new ClientError('no', facts))
  assert.match(text, /\\u001b\]0;owned\\u0007.*\\u009b2J/)
  assert.doesNotMatch(text, /\p{Cc}/u)
})

test('a refusal that a command mends names the command', () => {
  const mends = {
    CONFIRMATION_REQUIRED: /holdfast confirm.+HOLDFAST_PASSWORD.+API key/,
    CREDENTIAL_EXPIRED: /holdfast login/,
    PASSWORD_CHANGE_REQUIRED: /holdfast password change/,
    SECOND_FACTOR_ENROLMENT_REQUIRED: /holdfast second-factor on/,
  }
  for (const [code, mend] of Object.entries(mends)) {
    assert.match(failureText(new ClientError('no', { code, status: 403 })), mend)
  }
})

test('a refused login does not name the key, a missing key and a missing right are named', () => {
  const told = (code: string, status: number, details: Record<string, unknown>) =>
    failureText(new ClientError('no', { code, status, details }))
  const login = told('UNAUTHENTICATED', 401, { reason: 'the name or the password is wrong' })
  assert.match(login, /^no the name or the password is wrong \(UNAUTHENTICATED/)
  assert.doesNotMatch(login, /HOLDFAST_API_KEY/)
  const missing = told('UNAUTHENTICATED', 401, { credential: 'missing', reason: 'none came' })
  assert.match(missing, /HOLDFAST_API_KEY.+holdfast login/)
  const forbidden = told('FORBIDDEN', 403, { permission: 'audit:view', reason: 'no scope' })
  assert.match(forbidden, /audit:view/)
})

test('a certificate that is not trusted is told with the way to trust it', () => {
  const details = { cause: 'DEPTH_ZERO_SELF_SIGNED_CERT' }
  const text = failureText(new ClientError('no', { code: 'NETWORK', details }))
  assert.match(text, /NODE_EXTRA_CA_CERTS/)
})

test('sizes and times read well at their borders', () => {
  const sizes = [0, 1023, 1024, 1536, 1024 ** 2 - 1, 1024 ** 4]
  assert.deepEqual(sizes.map(sizeText), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '1.0 MiB',
    '1.0 TiB',
  ])
  assert.deepEqual([0, 59_940, 59_999, 119_999].map(secondsText), [
    '0.0 s',
    '59.9 s',
    '1 min 0 s',
    '2 min 0 s',
  ])
})

test('sizes and times are understood with their units, and nothing else is', () => {
  assert.deepEqual(['90', '2m', '1h', '1d'].map(parseSeconds), [90, 120, 3600, 86_400])
  assert.deepEqual(['10', '1k', '2MiB', '3gb', '1T'].map(parseSize), [
    10,
    1024,
    2 ** 21,
    3 * 2 ** 30,
    2 ** 40,
  ])
  for (const text of ['', '-1', '1.5', '1w', 'x', '1e9']) {
    assert.equal(parseSeconds(text), undefined, text)
    assert.equal(parseSize(text), undefined, text)
  }
})
