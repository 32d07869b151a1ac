import { setTimeout as delay } from 'node:timers/promises'
import { hotp, stepAt } from '@holdfast/engine/identity/factors/one-time-code.ts'
import type { SmtpSink } from '@holdfast/testkit/smtp-sink.ts'
import type { Lab } from '../access/open-lab.ts'
import { type Answer, type Asked, jsonOf, type Tree } from '../access/wire.ts'
import type { Canaries } from './canaries.ts'

interface Given {
  readonly lab: Lab
  /** Without it nothing is reset by mail. */
  readonly sink: SmtpSink | undefined
  readonly canaries: Canaries
  ask(asked: Asked, except?: readonly string[]): Promise<Answer>
  /** As administrator. */
  post(path: string, body: Tree): Asked
  /** As nobody. */
  open(path: string, body: Tree): Asked
}

const username = 'gwen'
const password = 'Factored-Canary-Password-7!'
const resetPassword = 'Reset-Canary-Password-8!'
const failedTries = 1500

/** Second factors, resets by mail, refresh tokens of programs: each told once, then misused. */
export async function makeLoginSecrets(given: Given): Promise<void> {
  const { canaries, ask, post } = given
  canaries.add({ name: 'password with a second factor', secret: password })
  canaries.add({ name: 'password after a reset', secret: resetPassword })
  const user = { username, password, email: 'gwen@example.org', must_change_password: false }
  made(await ask(post('/api/v2/users', user)))
  await useSecondFactor(given)
  if (given.sink !== undefined) await resetByMail(given, given.sink)
  await refreshProgram(given)
}

async function useSecondFactor({ lab, canaries, ask, open }: Given): Promise<void> {
  const path = '/api/v2/auth/second-factor'
  const who = { username, password }
  const { secret } = made(await ask(open(path, who)))
  const seed = bytesOf(secret)
  canaries.add(
    { name: 'TOTP seed', secret },
    { name: 'TOTP seed, small', secret: secret.toLowerCase() },
    { name: 'TOTP seed as hex', secret: seed.toString('hex') },
    { name: 'TOTP seed as base64', secret: seed.toString('base64').replace(/=+$/, '') },
    { name: 'TOTP seed as base64url', secret: seed.toString('base64url') },
  )
  const code = (steps: number) => hotp(seed, stepAt(lab.now()) + steps)
  // The seed again, in place of a code.
  await ask(open(`${path}/confirm`, { ...who, code: secret }))
  const first = made(await ask(open(`${path}/confirm`, { ...who, code: code(0) })))
  addRecovery(canaries, first, 'first')
  const { details } = jsonOf(await ask(open('/api/v2/auth/login', who)))
  canaries.add({ name: 'challenge', secret: details.challenge })
  const finish = '/api/v2/auth/login/code'
  const [recovery] = first.recovery_codes
  await ask(open(finish, { challenge: details.challenge, code: secret }))
  await ask(open(finish, { challenge: recovery, code: recovery }))
  await ask(open(finish, { challenge: details.challenge, code: recovery, more: recovery }))
  const entered = made(await ask(open(finish, { challenge: details.challenge, code: recovery })))
  canaries.add({ name: 'token of a factor', secret: signatureOf(entered.access_token) })
  const renewed = await ask(open(`${path}/recovery-codes`, { ...who, code: code(1) }))
  addRecovery(canaries, made(renewed), 'next')
  await ask(open(`${path}/disable`, { ...who, code: recovery }))
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Of base 32 (RFC 4648 §6) without padding: 32 characters are 20 bytes. */
export function bytesOf(secret: string): Buffer {
  const digits = [...secret].map(char => alphabet.indexOf(char).toString(2).padStart(5, '0'))
  const octets = digits.join('').match(/.{8}/g) ?? []
  return Buffer.from(octets.map(octet => Number.parseInt(octet, 2)))
}

/** As they are told, and as they are compared. */
function addRecovery(canaries: Canaries, { recovery_codes: codes }: Tree, when: string): void {
  for (const [n, code] of codes.entries()) {
    const plain: string = code.replaceAll('-', '')
    canaries.add({ name: `${when} recovery code ${n}`, secret: code })
    canaries.add({ name: `${when} recovery code ${n}, plain`, secret: plain })
    canaries.add({ name: `${when} recovery code ${n}, large`, secret: plain.toUpperCase() })
  }
}

async function resetByMail({ lab, canaries, ask, open }: Given, sink: SmtpSink): Promise<void> {
  const forgot = '/api/v2/auth/password/forgot'
  const reset = '/api/v2/auth/password/reset'
  await ask(open(forgot, { username }))
  const token = await tokenMailed(sink)
  canaries.add({ name: 'reset token', secret: token })
  await ask(open(reset, { token, new_password: 'weak' }))
  await ask(open(reset, { token: `${token}x`, new_password: resetPassword }))
  made(await ask(open(reset, { token, new_password: resetPassword })))
  await ask(open(reset, { token, new_password: resetPassword }))
  await ask(open(forgot, { username: token }))
  await ask({ method: 'GET', path: '/api/v2/auth/me', headers: { 'x-api-key': token } })
  // What fails to be sent is told, too, without what stood in it.
  await sink[Symbol.asyncDispose]()
  await ask(open(forgot, { username }))
  const isTold = () => lab.log.some(line => /"mail":"[^"]+".*"outcome":"failed"/.test(line))
  for (let n = 0; n < failedTries && !isTold(); n += 1) await delay(20)
  if (!isTold()) throw new Error('no mail failed')
}

async function tokenMailed(sink: SmtpSink): Promise<string> {
  for (let n = 1; n <= 10; n += 1) {
    const { text } = await sink.mail(n)
    const token = /#token=([\w-]{43})$/m.exec(text)?.[1]
    if (token !== undefined) return token
  }
  throw new Error('no mail with a token')
}

async function refreshProgram({ canaries, ask, post, open }: Given): Promise<void> {
  const account = made(await ask(post('/api/v2/service-accounts', { name: 'refresher' })))
  const { client_id, client_secret } = account
  canaries.add({ name: 'secret of a refresher', secret: client_secret })
  const path = '/api/v2/auth/token'
  const first = made(await ask(open(path, { client_id, client_secret })))
  canaries.add(
    { name: 'access token of a program', secret: signatureOf(first.access_token) },
    { name: 'refresh token of a program', secret: signatureOf(first.refresh_token) },
  )
  const { refresh_token } = first
  const again = { grant_type: 'refresh_token', client_id, refresh_token }
  await ask(open(path, { ...again, client_secret: `${client_secret}x` }))
  const next = made(await ask(open(path, { ...again, client_secret })))
  canaries.add({ name: 'next refresh token of a program', secret: signatureOf(next.refresh_token) })
  await ask(open(path, { ...again, client_secret }))
  await ask(open(path, { client_id: refresh_token, client_secret: refresh_token }))
}

/** What was given, or the run tests nothing. */
function made(answer: Answer): Tree {
  if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text}`)
  return jsonOf(answer)
}

/** Only the signature: the rest says nothing that is secret. */
export function signatureOf(token: string): string {
  return token.split('.')[2] ?? ''
}
