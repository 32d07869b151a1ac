import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { TOTP, URI } from 'otpauth'
import {
  type AskOptions,
  adminKey,
  refused,
  startServer,
  type TestServer,
  type Tree,
} from '../../../started-server.test.ts'

const root = { username: 'root', password: 'Chief-Password-2026' }
const password = 'Correct-Horse-7-Battery'
let server: TestServer

before(async () => {
  server = await startServer({
    env: {
      STORAGE_INITIAL_ADMIN_USERNAME: root.username,
      STORAGE_INITIAL_ADMIN_PASSWORD: root.password,
      STORAGE_SECOND_FACTOR_REQUIRED: 'administrators',
    },
  })
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

const open = (path: string, json: unknown) =>
  server.ask(`POST /api/v2/auth/${path}`, { json, key: null })

function by(tokens: Tree): AskOptions {
  return { key: null, headers: { authorization: `Bearer ${tokens.access_token}` } }
}

async function person(username: string, roles = ['USER']): Promise<Tree> {
  const json = { username, password, roles, must_change_password: false }
  const made = await server.ask('POST /api/v2/users', { json })
  assert.equal(made.status, 201, made.text)
  return made.json
}

interface Enrolled {
  readonly recovery: string[]
  /** The code of n steps from now: one step ahead is good at once, and later than one of now. */
  code(n: number): string
  readonly codes: string[]
}

async function enrol(credentials: typeof root): Promise<Enrolled> {
  const begun = await open('second-factor', credentials)
  assert.equal(begun.status, 201, begun.text)
  const totp = URI.parse(begun.json.otpauth_uri)
  assert.ok(totp instanceof TOTP)
  const codes: string[] = []
  const code = (n: number) => {
    codes.push(totp.generate({ timestamp: Date.now() + n * 30_000 }))
    return codes.at(-1) ?? ''
  }
  const confirmed = await open('second-factor/confirm', { ...credentials, code: code(0) })
  assert.equal(confirmed.status, 200, confirmed.text)
  return { recovery: confirmed.json.recovery_codes, code, codes }
}

async function challengeOf(credentials: typeof root): Promise<string> {
  const asked = await open('login', credentials)
  refused(asked, 401, 'SECOND_FACTOR_REQUIRED')
  return asked.json.details.challenge
}

test('an administrator enrols before the first token, then logs in with a code', async () => {
  refused(await open('login', root), 403, 'SECOND_FACTOR_ENROLMENT_REQUIRED')
  const { code, recovery } = await enrol(root)
  const challenge = await challengeOf(root)
  for (const key of [challenge, challenge.slice(0, 40)]) {
    refused(await server.ask('GET /api/v2/auth/me', { key }), 401, 'UNAUTHENTICATED')
  }
  const refresh = await open('refresh', { refresh_token: challenge })
  refused(refresh, 401, 'UNAUTHENTICATED')
  const entered = await open('login/code', { challenge, code: code(1) })
  assert.equal(entered.status, 200, entered.text)
  const me = await server.ask('GET /api/v2/auth/me', by(entered.json))
  assert.equal(me.json.name, 'root')
  refused(await open('login/code', { challenge, code: code(1) }), 401, 'UNAUTHENTICATED')
  const own = `DELETE /api/v2/users/${me.json.id}/second-factor`
  refused(await server.ask(own, by(entered.json)), 403, 'FORBIDDEN')
  const other = await open('login/code', { challenge: await challengeOf(root), code: recovery[0] })
  assert.equal(other.status, 200, other.text)
})

test('a user takes it on and off; lists and explanations show it, never its secret', async () => {
  const user = await person('flora')
  const credentials = { username: 'flora', password }
  const tokens = (await open('login', credentials)).json
  const shown = async () => {
    const got = await server.ask(`GET /api/v2/users/${user.id}`)
    const json = { principal_id: user.id, permission: 'assets:read' }
    const explained = await server.ask('POST /api/v2/access/explain', { json })
    const listed = (await server.ask('GET /api/v2/users?search=flora')).json.items[0]
    assert.doesNotMatch(got.text + explained.text, /secretF|sealed|recovery|lastStep/i)
    const all = [got.json, explained.json, listed].map(tree => tree.second_factor)
    return all.join()
  }
  assert.equal(await shown(), 'false,false,false')
  const { recovery, code } = await enrol(credentials)
  assert.equal(await shown(), 'true,true,true')
  refused(await server.ask('GET /api/v2/auth/me', by(tokens)), 401, 'UNAUTHENTICATED')
  const change = { ...credentials, new_password: 'Another-Horse-8-Battery' }
  refused(await open('password', change), 401, 'SECOND_FACTOR_REQUIRED')
  const renewed = await open('second-factor/recovery-codes', { ...credentials, code: code(1) })
  assert.equal(renewed.json.recovery_codes.length, 10)
  const proof = { ...credentials, code: recovery[0] }
  refused(await open('second-factor/disable', proof), 401, 'UNAUTHENTICATED')
  const [fresh] = renewed.json.recovery_codes
  assert.equal((await open('second-factor/disable', { ...credentials, code: fresh })).status, 204)
  assert.equal(await shown(), 'false,false,false')
  assert.equal((await open('login', credentials)).status, 200)
})

test('API keys are asked for no code', async () => {
  const me = await server.ask('GET /api/v2/auth/me', { key: adminKey })
  assert.deepEqual([me.status, me.json.kind], [200, 'api_key'])
})

test('every step is audited with its user, and no secret of it is in log or audit', async () => {
  const user = await person('audra')
  const credentials = { username: 'audra', password }
  const { recovery, code, codes } = await enrol(credentials)
  const challenge = await challengeOf(credentials)
  refused(await open('login/code', { challenge, code: '000000' }), 401, 'UNAUTHENTICATED')
  await open('login/code', { challenge, code: recovery[0] })
  await open('second-factor/recovery-codes', { ...credentials, code: code(1) })
  assert.equal((await server.ask(`DELETE /api/v2/users/${user.id}/second-factor`)).status, 200)
  await server.running.context.audit.flush()
  const rows: Tree[] = (await server.ask('GET /api/v2/audit?limit=100')).json.items
  const told = (action: string) => {
    const found = rows.filter(row => row.action === action)
    const own = found.find(row =>
      [row.detail.username, row.resource.id, row.actor].some(id => ['audra', user.id].includes(id)),
    )
    return own === undefined ? 'nothing' : `${own.outcome} ${own.detail.second_factor ?? ''}`
  }
  assert.deepEqual(
    [
      'login',
      'loginWithCode',
      'beginSecondFactor',
      'confirmSecondFactor',
      'renewRecoveryCodes',
      'removeUserSecondFactor',
    ].map(told),
    ['refused ', 'success recovery', 'success ', 'success ', 'success ', 'success '],
  )
  const wrong = rows.find(row => row.action === 'loginWithCode' && row.outcome === 'refused')
  assert.equal(wrong.code, 'UNAUTHENTICATED')
  assert.equal(wrong.detail.user_id, user.id)
  const everything = JSON.stringify(rows) + server.logLines.join('\n')
  for (const secret of [...recovery, challenge, password]) {
    assert.ok(!everything.includes(secret), `${secret} was told`)
  }
  // Six digits may stand in a hash by chance.
  for (const secret of codes) assert.doesNotMatch(everything, RegExp(`(?<!\\w)${secret}(?!\\w)`))
})
