import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { TOTP, URI } from 'otpauth'
import { dutyOf } from '../../../http/caller/audited.ts'
import { startServer, type TestServer, type Tree } from '../../../started-server.test.ts'

/** Every route whose row in the audit log is due before the answer tells what was and what is. */

const password = 'Correct-Horse-7-Battery'
const SESSIONS = 'begins, goes on with or ends logins; the row names the session, or counts them'
const OWN_SECRETS = 'by the owner, who proves it; there is nothing to tell but that it was done'
const WORK = 'looks or works; the row counts what it found or did'

/** Changes that tell no before and after, and why. */
const UNTOLD: Readonly<Record<string, string>> = {
  login: SESSIONS,
  loginWithCode: SESSIONS,
  redeemOpenId: SESSIONS,
  issueToken: SESSIONS,
  refresh: SESSIONS,
  logout: SESSIONS,
  confirmSession: SESSIONS,
  endSession: SESSIONS,
  endSessions: SESSIONS,
  endUserSession: SESSIONS,
  endUserSessions: SESSIONS,
  changePassword: OWN_SECRETS,
  resetPassword: OWN_SECRETS,
  beginSecondFactor: OWN_SECRETS,
  renewRecoveryCodes: OWN_SECRETS,
  collectGarbage: WORK,
  verifyStore: WORK,
  verifyAudits: WORK,
  acknowledgeAudits: 'tells the findings and the reason',
  actOnUsers: 'has a row with both for each user',
}

let server: TestServer

before(async () => {
  server = await startServer()
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

async function make(line: string, json?: unknown): Promise<Tree> {
  const answer = await server.ask(line, json === undefined ? {} : { json })
  assert.ok(answer.status < 300, `${line}: ${answer.text}`)
  return answer.json
}

/** Every change that is told, once. */
async function changeEverything(): Promise<void> {
  const api = '/api/v2'
  const permissions = ['assets:read']
  await make(`POST ${api}/buckets`, { name: 'told' })
  await make(`PUT ${api}/buckets/told`, { public_read: true })
  await make(`PUT ${api}/quotas/bucket/told`, { bytes_max: 1000 })
  await make(`DELETE ${api}/quotas/bucket/told`)
  await make(`DELETE ${api}/buckets/told`)
  const key = await make(`POST ${api}/keys`, { name: 'told', permissions })
  await make(`DELETE ${api}/keys/${key.id}`)
  const pair = await make(`POST ${api}/s3/keys`, { name: 'told', permissions })
  await make(`DELETE ${api}/s3/keys/${pair.id}`)
  const share = await make(`POST ${api}/shares`, { bucket: 'holdfast' })
  await make(`DELETE ${api}/shares/${share.id}`)
  await make(`POST ${api}/auth/signing-keys/rotate`)
  const credentials = { username: 'told', password }
  const user = { ...credentials, roles: ['USER'], must_change_password: false }
  const { id } = await make(`POST ${api}/users`, user)
  await make(`PUT ${api}/users/${id}`, { first_name: 'Told' })
  await make(`POST ${api}/users/${id}/unlock`)
  await changeFactors(credentials, id)
  const other = { password: 'Another-Horse-8-Battery', must_change: false }
  await make(`PUT ${api}/users/${id}/password`, other)
  const group = await make(`POST ${api}/groups`, { name: 'told' })
  await make(`PUT ${api}/groups/${group.id}`, { description: 'told' })
  const right = { principal_id: group.id, bucket: 'holdfast', permissions }
  const grant = await make(`POST ${api}/grants`, right)
  await make(`DELETE ${api}/grants/${grant.id}`)
  await make(`DELETE ${api}/groups/${group.id}`)
  await make(`DELETE ${api}/users/${id}`)
  const account = await make(`POST ${api}/service-accounts`, { name: 'told', roles: ['USER'] })
  const path = `${api}/service-accounts/${account.id}`
  await make(`PUT ${path}`, { description: 'told' })
  const { secrets } = await make(`POST ${path}/secrets`)
  await make(`DELETE ${path}/secrets/${secrets[0].id}`)
  await make(`DELETE ${path}`)
}

async function changeFactors(credentials: object, id: string): Promise<void> {
  const factor = '/api/v2/auth/second-factor'
  const enrol = async () => {
    const { otpauth_uri: uri } = await make(`POST ${factor}`, credentials)
    const totp = URI.parse(uri)
    assert.ok(totp instanceof TOTP)
    const code = totp.generate()
    return await make(`POST ${factor}/confirm`, { ...credentials, code })
  }
  const { recovery_codes: codes } = await enrol()
  await make(`POST ${factor}/disable`, { ...credentials, code: codes[0] })
  await enrol()
  await make(`DELETE /api/v2/users/${id}/second-factor`)
}

test('every change is told with what was and what is, or it is written here why not', async () => {
  await changeEverything()
  await server.running.context.audit.flush()
  const table: Readonly<Record<string, Route>> = routes
  const due = Object.entries(table).flatMap(([id, route]) => {
    return dutyOf(id, route, false) === 'before-answer' ? [id] : []
  })
  assert.deepEqual(
    Object.keys(UNTOLD).filter(id => !due.includes(id)),
    [],
  )
  for (const id of due) {
    const { items } = await make(`GET /api/v2/audit?action=${id}&outcome=success&limit=1`)
    const [row] = items
    if (Object.hasOwn(UNTOLD, id)) continue
    assert.ok(row !== undefined, `${id} was not tried`)
    const { before: was, after: is } = row.detail
    assert.ok(was !== undefined && is !== undefined, `${id} tells no before and after`)
    assert.notDeepEqual(was, is, `${id} tells no change`)
  }
})

test('a reset password and a rotated key are told by what is no secret', async () => {
  const detailOf = async (action: string) => {
    return (await make(`GET /api/v2/audit?action=${action}&limit=1`)).items[0].detail
  }
  const reset = await detailOf('resetUserPassword')
  assert.deepEqual(Object.keys(reset.after).sort(), [
    'must_change_password',
    'password_changed_at',
    'status',
  ])
  assert.ok(reset.before.password_changed_at < reset.after.password_changed_at)
  await make('POST /api/v2/auth/signing-keys/rotate')
  await server.running.context.audit.flush()
  const rotated = await detailOf('rotateSigningKey')
  const { items } = await make('GET /api/v2/auth/signing-keys')
  const kids = items.map(({ kid }: Tree) => kid)
  assert.deepEqual([rotated.after.kid, rotated.before.kid], kids.slice(0, 2))
  const csv = await server.ask('GET /api/v2/audit/export?format=csv')
  for (const secret of [password, 'Another-Horse-8-Battery', 'otpauth']) {
    assert.ok(!csv.text.includes(secret))
  }
})

test('the rows of work on the store and its log count what it found or did', async () => {
  const found: Tree = {}
  for (const path of ['admin/collect-garbage', 'admin/verify', 'audit/verify']) {
    found[path] = await make(`POST /api/v2/${path}`)
  }
  const counted = (answer: Tree) =>
    Object.fromEntries(
      Object.entries(answer).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.length : value,
      ]),
    )
  for (const [action, path] of [
    ['collectGarbage', 'admin/collect-garbage'],
    ['verifyStore', 'admin/verify'],
    ['verifyAudits', 'audit/verify'],
  ] as const) {
    const [row] = (await make(`GET /api/v2/audit?action=${action}&limit=1`)).items
    assert.ok(Object.keys(row.detail).length > 4, action)
    assert.deepEqual(row.detail, counted(found[path]), action)
  }
})
