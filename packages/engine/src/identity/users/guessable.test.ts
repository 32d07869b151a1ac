import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestStore, refused } from '../../test-store.test.ts'
import { isGuessable } from './guessable.ts'
import { guessedWords } from './guessed-words.ts'
import { requirePolicy } from './password-policy.ts'
import { createUser, resetPassword } from './users.ts'

const COMMON = [
  ...['Password123!', 'Password2026!', 'P@ssw0rd1234', 'P@$$w0rd2024!', 'Passw0rd!Passw0rd!'],
  ...['Welcome2024!!', 'Admin@123456', 'Administrator1!', 'Qwertyuiop1!', 'Qwerty123456!'],
  ...['1Qaz2wsx3edc!', '!QAZ2wsx#EDC', 'Letmein12345!', 'Iloveyou2023!', 'Summer2024!!!'],
  ...['Winter-2025-Winter', 'Changeme123!', 'Aa123456789!', 'Aa1!Aa1!Aa1!', 'Abcd1234!@#$'],
  ...['Trustno1!!!!', 'Superman2024$', 'Master-Admin-1', 'L1verp00l2024!', 'Monkey!Dragon7'],
  ...['Passwort1234!', 'PÁSSWORD-2026a'.slice(0, -1), 'H3ll0-W1nter-99', 'Secret-Password-1'],
  ...['We1c0me-2026!', 'M1che11e-2024!', '1ucky-W1nner?'],
]

test('passwords that everybody tries are refused, in every spelling', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  for (const password of COMMON) assert.ok(isGuessable(password), password)
  const anna = { username: 'anna', password: 'Password2026!' }
  const path = 'password'
  const problem = 'is too common'
  const errors = { errors: [{ path, problem }] }
  await assert.rejects(createUser(engine, call, anna), refused('VALIDATION_ERROR', errors))
  const { id } = await createUser(engine, call, { ...anna, password: 'Correct-Horse-7-Battery' })
  const reset = { id, password: 'P@ssw0rd1234', mustChange: false }
  await assert.rejects(resetPassword(engine, call, reset), refused('VALIDATION_ERROR', errors))
})

test('more than 3,000 common ones that fit all other rules are refused', () => {
  const ends = [
    ...['2023!', '2024!', '2025!', '2026!', '123!', '1234!', '12345!', '123456!', '1!', '@123'],
    ...['#2026', '!2026', '2026!!', '123!!!', '-123456', '12345678!', '!123456789'],
  ]
  const tried = [...guessedWords].flatMap(word => {
    const capital = `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`
    return ends.map(end => `${capital}${end}`)
  })
  const fitting = tried.filter(password => [...password].length >= 12)
  assert.ok(fitting.length > 3000, `${fitting.length}`)
  for (const password of fitting) {
    const errors = [{ path: 'password', problem: 'is too common' }]
    assert.throws(() => requirePolicy(password, []), refused('VALIDATION_ERROR', { errors }))
  }
})

test('passwords of three words, or of chance, are not', () => {
  for (const password of [
    ...['Correct-Horse-7-Battery', 'Initial-Canary-Password-1', 'k7$Qz!m2Vt#9', '7$kQ92!x4#81%'],
    ...['Dragon-Monkey-Shadow-7', 'Blaues-Pferd-fliegt-8', 'xK9!xK9!rT2?rT2?'],
  ]) {
    requirePolicy(password, [])
  }
})

test('one letter that stands for eighteen makes nobody wait', () => {
  // Far beyond what the policy lets through: a pattern would hang here, and the server with it.
  assert.equal(isGuessable(`${'\ufdfa'.repeat(4000)}Aa1!`), false)
  assert.equal(isGuessable('Password'.repeat(10_000)), true)
})
