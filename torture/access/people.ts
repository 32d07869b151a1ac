import { adminKey, type Lab } from './open-lab.ts'
import { jsonOf, type Tree } from './wire.ts'

/** Somebody who asks: with what credential, and what is known of them. */
export interface Caller {
  readonly name: string
  /** Id as owner; of callers without one, that of nobody. */
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
}

export const living = [
  'admin',
  'operator',
  'user',
  'auditor',
  'readonly',
  'narrow',
  'stranger',
  'confined',
  'anonymous',
] as const
export type Living = (typeof living)[number]

export interface People {
  readonly living: Readonly<Record<Living, Caller>>
  /** Credentials that were good and are not any more, or never were. */
  readonly dead: readonly Caller[]
  /** The user whose account is locked; it was at work before. */
  readonly locked: Caller
  /** A page of somebody else, in the browser of an administrator: all it can send is cookies. */
  readonly page: Caller
}

export const password = 'Correct-Horse-7-Battery'
/** Stands in everything that only some may see: an answer that holds it has told something. */
export const canary = 'kanarienvogel'
/** The one bucket that strangers are confined to. */
export const elsewhere = 'mx-elsewhere'
const nobody = '00000000-0000-4000-8000-000000000000'

/** Everybody that the matrix knows. Whoever is dead has used the credential before. */
export async function introduce(lab: Lab): Promise<People> {
  await lab.must('POST', '/api/v2/buckets', { name: elsewhere })
  const brief = await newKey(lab, 'expired', {
    expires_at: new Date(lab.now() + 5000).toISOString(),
  })
  await warm(lab, brief)
  lab.jump(6000)
  const [admin, operator, user, auditor, readonly, stranger] = await Promise.all([
    newUser(lab, 'admin', ['ADMIN']),
    newUser(lab, 'operator', ['OPERATOR']),
    newUser(lab, 'user', ['USER']),
    newUser(lab, 'auditor', ['AUDITOR']),
    newUser(lab, 'readonly', ['READONLY']),
    newUser(lab, 'stranger', ['USER'], [elsewhere]),
  ])
  const narrow = await newKey(lab, 'narrow', { permissions: ['assets:read'] })
  // Holds every scope, but for one other bucket only.
  const confined = await newKey(lab, 'confined', { buckets: [elsewhere] })
  const anonymous = { name: 'anonymous', id: nobody, headers: {} }
  const dead = await theDead(lab, { brief, admin })
  const locked = await newUser(lab, 'locked', ['USER'])
  await lockOut(lab, 'mx-locked')
  return {
    living: { admin, operator, user, auditor, readonly, narrow, stranger, confined, anonymous },
    dead,
    locked,
    page: foreignPage(admin),
  }
}

function foreignPage({ headers }: Caller): Caller {
  const token = headers.authorization?.slice('Bearer '.length) ?? ''
  const names = ['holdfast-oidc', 'session', 'access_token', 'x-api-key', 'authorization']
  const cookie = names.map(name => `${name}=${token}`).join('; ')
  const origin = { origin: 'https://evil.example', referer: 'https://evil.example/' }
  const sent = { cookie, ...origin, 'sec-fetch-site': 'cross-site' }
  return { name: 'foreign page', id: nobody, headers: sent }
}

async function theDead(lab: Lab, had: { brief: Caller; admin: Caller }): Promise<Caller[]> {
  const [inactive, deleted, left, reset] = await Promise.all(
    ['inactive', 'deleted', 'left', 'reset'].map(name => newUser(lab, name, ['ADMIN'])),
  )
  if (inactive === undefined || deleted === undefined) throw new Error('no users')
  if (left === undefined || reset === undefined) throw new Error('no users')
  const revoked = await newKey(lab, 'revoked', {})
  for (const one of [inactive, deleted, left, reset, revoked]) await warm(lab, one)
  await lab.must('PUT', `/api/v2/users/${inactive.id}`, { status: 'INACTIVE' })
  await lab.must('DELETE', `/api/v2/users/${deleted.id}`)
  await lab.must('PUT', `/api/v2/users/${reset.id}/password`, { password: `${password}-2` })
  await lab.must('DELETE', `/api/v2/keys/${revoked.id}`)
  const out = { method: 'POST', path: '/api/v2/auth/logout', headers: left.headers }
  await lab.rest.ask(out)
  const token = had.admin.headers.authorization ?? ''
  const forged = `${token.slice(0, -6)}${token.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`
  const never = (name: string, headers: Caller['headers']) => ({ name, id: nobody, headers })
  return [
    { ...had.brief, name: 'expired key' },
    { ...revoked, name: 'revoked key' },
    { ...inactive, name: 'deactivated user' },
    { ...deleted, name: 'deleted user' },
    { ...left, name: 'logged-out session' },
    { ...reset, name: 'session of before a password reset' },
    never('unknown key', { 'x-api-key': 'hf_nobody-has-this-key-0123456789' }),
    never('empty key', { 'x-api-key': '' }),
    never('forged token', { authorization: forged }),
    never('basic', {
      authorization: `Basic ${Buffer.from(`root:${adminKey}`).toString('base64')}`,
    }),
    never('two credentials', { 'x-api-key': adminKey, authorization: token }),
  ]
}

async function newUser(
  lab: Lab,
  name: string,
  roles: string[],
  buckets: string[] | null = null,
): Promise<Caller> {
  const username = `mx-${name}`
  const profile = { email: `${username}@${canary}.org`, last_name: canary }
  const input = { username, password, roles, buckets, must_change_password: false, ...profile }
  const { id } = await lab.must('POST', '/api/v2/users', input)
  const tokens = await lab.must('POST', '/api/v2/auth/login', { username, password })
  return { name, id, headers: { authorization: `Bearer ${tokens.access_token}` } }
}

async function newKey(lab: Lab, name: string, more: Tree): Promise<Caller> {
  const input = { name: `${name} ${canary}`, permissions: ['*'], ...more }
  const { id, key } = await lab.must('POST', '/api/v2/keys', input)
  return { name, id, headers: { 'x-api-key': key } }
}

/** A credential that was never used would be refused for other reasons than one that ended. */
async function warm(lab: Lab, { name, headers }: Caller): Promise<void> {
  const answer = await lab.rest.ask({ method: 'GET', path: '/api/v2/buckets', headers })
  if (answer.status !== 200) throw new Error(`${name} was never good: ${answer.text}`)
}

async function lockOut(lab: Lab, username: string): Promise<void> {
  const body = Buffer.from(JSON.stringify({ username, password: 'wrong' }))
  const headers = { 'content-type': 'application/json' }
  for (let guess = 0; guess < 5; guess += 1) {
    await lab.rest.ask({ method: 'POST', path: '/api/v2/auth/login', headers, body })
  }
  const last = await lab.rest.ask({ method: 'POST', path: '/api/v2/auth/login', headers, body })
  if (last.status !== 423) throw new Error(`not locked: ${jsonOf(last)?.code}`)
}
