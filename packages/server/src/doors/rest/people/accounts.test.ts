import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { refused, startServer, type TestServer, type Tree } from '../../../started-server.test.ts'

let server: TestServer
before(async () => {
  server = await startServer()
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

async function account(json: object): Promise<Tree> {
  const answer = await server.ask('POST /api/v2/service-accounts', { json })
  assert.equal(answer.status, 201, answer.text)
  return answer.json
}

async function token(fields: Record<string, string>, headers: Record<string, string> = {}) {
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const body = new URLSearchParams(fields).toString()
  const ask = { key: null, body, headers: { ...type, ...headers } }
  return await server.ask('POST /api/v2/auth/token', ask)
}

const grant = { grant_type: 'client_credentials' }
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})
const bearer = (answer: Tree) => ({
  key: null,
  headers: { authorization: `Bearer ${answer.access_token}` },
})

test('the token endpoint speaks OAuth 2.0: form or JSON, in the body or by Basic', async () => {
  const made = await account({ name: 'oauth', permissions: ['assets:read', 'buckets:read'] })
  const { client_id, client_secret } = made
  const inBody = await token({ ...grant, client_id, client_secret, unknown: 'ignored' })
  const byBasic = await token(grant, basic(client_id, client_secret))
  const json = { client_id, client_secret }
  const asJson = await server.ask('POST /api/v2/auth/token', { json, key: null })
  for (const answer of [inBody, byBasic, asJson]) {
    assert.equal(answer.status, 200, answer.text)
    const { token_type, expires_in, scope, refresh_token } = answer.json
    assert.deepEqual([token_type, expires_in, refresh_token], ['Bearer', 1800, undefined])
    assert.equal(scope, 'assets:read buckets:read')
    assert.deepEqual(
      [answer.headers['cache-control'], answer.headers.pragma],
      ['no-store', 'no-cache'],
    )
    const me = await server.ask('GET /api/v2/auth/me', bearer(answer.json))
    assert.deepEqual(
      [me.json.kind, me.json.id, me.json.name],
      ['service_account', made.id, client_id],
    )
  }
  const keys = (await server.ask('GET /api/v2/auth/jwks.json', { key: null })).json
  const { payload, protectedHeader } = await jwtVerify(
    inBody.json.access_token,
    createLocalJWKSet(keys),
    { algorithms: ['RS256'], issuer: 'holdfast', audience: 'holdfast' },
  )
  assert.deepEqual(
    [protectedHeader.typ, payload.type, payload.kind, payload.client_id],
    ['at+jwt', 'access', 'service_account', client_id],
  )
})

test('in HTTP Basic id and secret may be encoded as RFC 6749 has it, or not', async () => {
  const secret = 'of+the/settings=%41%zz+%2B100%'.padEnd(1024, '0123456789')
  const clientId = 'sa_live_given_0123456789ab'
  await using given = await startServer({
    env: {
      STORAGE_INITIAL_ACCOUNT_NAME: 'given',
      STORAGE_INITIAL_ACCOUNT_SECRET: secret,
      STORAGE_INITIAL_ACCOUNT_CLIENT_ID: clientId,
    },
  })
  const ask = async (id: string, text: string) => {
    const json = grant
    return await given.ask('POST /api/v2/auth/token', { json, key: null, headers: basic(id, text) })
  }
  const inForm = (text: string) => encodeURIComponent(text).replaceAll('%20', '+')
  const all = (text: string) => {
    return Buffer.from(text).reduce((done, byte) => `${done}%${byte.toString(16)}`, '')
  }
  for (const form of [secret, inForm(secret), encodeURIComponent(secret), all(secret)]) {
    for (const id of [clientId, all(clientId)]) {
      const answer = await ask(id, form)
      assert.equal(answer.status, 200, `${id} ${form}: ${answer.text}`)
    }
  }
  for (const wrong of [
    inForm(inForm(secret)),
    secret.replace('+', ' '),
    `${secret}%`,
    '%',
    '+',
    '',
  ]) {
    refused(await ask(clientId, wrong), 401, 'UNAUTHENTICATED')
  }
})

test('refusals of the token endpoint carry the words of RFC 6749', async () => {
  const { client_id, client_secret, id } = await account({ name: 'refused' })
  const named = { client_id, client_secret }
  const says = async (answer: Tree, status: number, error: string) => {
    assert.deepEqual([answer.status, answer.json.error], [status, error], answer.text)
    assert.equal(answer.json.error_description, answer.json.message)
    assert.equal(answer.json.request_id, answer.headers['x-request-id'])
  }
  const wrong = await token({ ...grant, client_id, client_secret: 'wrong' })
  await says(wrong, 401, 'invalid_client')
  assert.match(String(wrong.headers['www-authenticate']), /^Basic /)
  await says(await token(grant, basic(client_id, 'wrong')), 401, 'invalid_client')
  await says(await token(grant, { authorization: 'Bearer x' }), 401, 'invalid_client')
  await says(await token(grant), 400, 'invalid_request')
  await says(await token(named), 400, 'invalid_request')
  const both = await token({ ...grant, ...named }, basic(client_id, client_secret))
  await says(both, 400, 'invalid_request')
  const password = await token({ ...named, grant_type: 'password' })
  await says(password, 400, 'unsupported_grant_type')
  await says(await token({ ...grant, ...named, scope: 'everything' }), 400, 'invalid_scope')
  const twice = await server.ask('POST /api/v2/auth/token', {
    key: null,
    body: `grant_type=client_credentials&client_id=a&client_id=${client_id}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  await says(twice, 400, 'invalid_request')
  const long = await token({ ...grant, ...named, unknown: 'x'.repeat(16 * 1024) })
  await says(long, 413, 'invalid_request')
  await server.ask(`PUT /api/v2/service-accounts/${id}`, { json: { status: 'SUSPENDED' } })
  const blocked = await token({ ...grant, ...named })
  await says(blocked, 403, 'invalid_client')
  assert.equal(blocked.json.code, 'ACCOUNT_DISABLED')
})

test('what stands where the client id should is not kept: it may be the secret', async () => {
  const { client_id, client_secret } = await account({ name: 'mixed-up' })
  for (const answer of [
    await token({ ...grant, client_id: client_secret, client_secret: client_id }),
    await token(grant, basic(client_secret, client_id)),
    await token(grant, basic(client_id, 'wrong')),
  ]) {
    refused(answer, 401, 'UNAUTHENTICATED')
  }
  await server.running.context.audit.flush()
  const { text, json } = await server.ask('GET /api/v2/audit?limit=50&action=issueToken')
  assert.ok(!text.includes(client_secret))
  const told = json.items.slice(0, 3).map((row: Tree) => row.detail.client_id)
  assert.deepEqual(told, [client_id, null, null])
})

test('a narrowed token is refused what it was not made for', async () => {
  const { client_id, client_secret } = await account({ name: 'narrow', roles: ['ADMIN'] })
  const answer = await token({ ...grant, client_id, client_secret, scope: 'assets:read' })
  assert.equal(answer.json.scope, 'assets:read')
  const as = bearer(answer.json)
  assert.equal((await server.ask('GET /api/v2/assets', as)).status, 200)
  refused(await server.ask('GET /api/v2/service-accounts', as), 403, 'FORBIDDEN')
  const path = '/api/v2/buckets/holdfast/assets/a.txt'
  refused(await server.ask(`PUT ${path}`, { ...as, body: 'x' }), 403, 'FORBIDDEN')
  refused(await server.ask('GET /api/v2/quotas', as), 403, 'FORBIDDEN')
})

test('secrets are shown once, change with an overlap, and end at once when removed', async () => {
  const made = await account({ name: 'rotating', secret_days: 30 })
  const path = `/api/v2/service-accounts/${made.id}`
  const enter = async (client_secret: string) =>
    await token({ ...grant, client_id: made.client_id, client_secret })
  const next = await server.ask(`POST ${path}/secrets`)
  assert.equal(next.status, 201, next.text)
  assert.deepEqual([(await enter(made.client_secret)).status, next.json.secrets.length], [200, 2])
  const fresh = await enter(next.json.client_secret)
  assert.equal(fresh.status, 200)
  const shown = await server.ask(`GET ${path}`)
  assert.doesNotMatch(shown.text, /hash|client_secret/)
  assert.notEqual(shown.json.last_token_at, null)
  const [, latest] = next.json.secrets
  assert.equal((await server.ask(`DELETE ${path}/secrets/${latest.id}`)).status, 204)
  refused(await server.ask('GET /api/v2/auth/me', bearer(fresh.json)), 401, 'UNAUTHENTICATED')
  assert.equal((await enter(next.json.client_secret)).status, 401)
  const swift = await server.ask(`POST ${path}/secrets`, { json: { overlap: 0 } })
  assert.equal(swift.json.secrets.length, 1)
  assert.equal((await enter(made.client_secret)).status, 401)
  assert.equal((await server.ask(`DELETE ${path}`)).status, 204)
  assert.equal((await enter(swift.json.client_secret)).status, 401)
})

test('accounts are changed only field by field, and only by who may', async () => {
  const made = await account({ name: 'fields' })
  const path = `/api/v2/service-accounts/${made.id}`
  for (const wrong of [
    { client_id: 'sa_x' },
    { secrets: [] },
    { status: 'DELETED' },
    { status: 'EXPIRED' },
    { roles: ['ROOT'] },
    JSON.parse('{"__proto__":{"roles":["ADMIN"]}}'),
    {},
  ]) {
    refused(await server.ask(`PUT ${path}`, { json: wrong }), 422, 'VALIDATION_ERROR')
  }
  const json = { name: 'plain', permissions: ['assets:*', 'keys:admin'] }
  const { key } = (await server.ask('POST /api/v2/keys', { json })).json
  for (const line of [`GET ${path}`, `DELETE ${path}`, `POST ${path}/secrets`]) {
    refused(await server.ask(line, { key }), 403, 'FORBIDDEN')
  }
  const missing = `${path.slice(0, -12)}000000000000`
  refused(await server.ask(`GET ${missing}`), 404, 'ACCOUNT_NOT_FOUND')
})

test('what happens to accounts and their secrets is audited, the secrets are nowhere', async () => {
  const made = await account({ name: 'audited' })
  const { client_id, client_secret } = made
  const good = await token({ ...grant, client_id, client_secret })
  await token({ ...grant, client_id, client_secret: `${client_secret}x` })
  await server.ask(`POST /api/v2/service-accounts/${made.id}/secrets`)
  await server.running.context.audit.flush()
  const { engine } = server.running.context
  const rows = await engine.catalog.view.audits.before(Number.MAX_SAFE_INTEGER, 4)
  const told = rows.map(({ entry }) => [entry.action, entry.outcome, entry.actorKind, entry.detail])
  assert.deepEqual(told.map(row => row.slice(0, 3)).reverse(), [
    ['createAccount', 'success', 'api_key'],
    ['issueToken', 'success', 'service_account'],
    ['issueToken', 'refused', 'anonymous'],
    ['rotateSecret', 'success', 'api_key'],
  ])
  assert.deepEqual(told[1]?.[3], { client_id })
  const all = JSON.stringify(rows) + server.logLines.join('\n')
  for (const secret of [client_secret.slice(10), good.json.access_token.slice(-40)]) {
    assert.ok(!all.includes(secret), 'a secret was written down')
  }
})

test('with the setting the token endpoint gives and takes refresh tokens', async () => {
  await using own = await startServer({ env: { STORAGE_ACCOUNT_REFRESH_TOKENS: 'on' } })
  const json = { name: 'insists', permissions: ['assets:read'] }
  const made = (await own.ask('POST /api/v2/service-accounts', { json })).json
  const named = { client_id: made.client_id, client_secret: made.client_secret }
  const ask = async (fields: Record<string, string>) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = new URLSearchParams(fields).toString()
    return await own.ask('POST /api/v2/auth/token', { key: null, body, headers })
  }
  const first = await ask({ ...grant, ...named })
  const { refresh_token } = first.json
  const renewal = { grant_type: 'refresh_token', refresh_token }
  const unnamed = await ask(renewal)
  assert.deepEqual([unnamed.status, unnamed.json.error], [400, 'invalid_request'])
  const missing = await ask({ grant_type: 'refresh_token', ...named })
  assert.deepEqual([missing.status, missing.json.error], [400, 'invalid_request'])
  const second = await ask({ ...renewal, ...named })
  assert.equal(second.status, 200, second.text)
  assert.equal((await own.ask('GET /api/v2/auth/me', bearer(second.json))).json.id, made.id)
  const again = await ask({ ...renewal, ...named })
  assert.deepEqual([again.status, again.json.error], [400, 'invalid_grant'])
  refused(await own.ask('GET /api/v2/auth/me', bearer(second.json)), 401, 'UNAUTHENTICATED')
  await own.running.context.audit.flush()
  const { text, json: rows } = await own.ask('GET /api/v2/audit?limit=50&action=issueToken')
  assert.ok(!text.includes(refresh_token))
  const told = rows.items.map((row: Tree) => [row.outcome, row.code, row.detail.client_id])
  const [newest] = told
  assert.deepEqual(newest, ['refused', 'GRANT_INVALID', made.client_id])
  assert.ok(!own.logLines.join('').includes(refresh_token.slice(-40)))
})

test('the service account of the settings logs in, is shown, and stays', async () => {
  const client_id = 'sa_default_first_0123456789ab'
  const client_secret = 'q7Zp0LmVx2RtYc9KfWd4HsJn8BgAe3Uo'
  const env = {
    STORAGE_INITIAL_ACCOUNT_NAME: 'first',
    STORAGE_INITIAL_ACCOUNT_CLIENT_ID: client_id,
    STORAGE_INITIAL_ACCOUNT_SECRET: client_secret,
    STORAGE_INITIAL_ACCOUNT_ROLES: 'ADMIN',
  }
  await using own = await startServer({ env })
  const json = { client_id, client_secret }
  const entered = await own.ask('POST /api/v2/auth/token', { json, key: null })
  assert.equal(entered.status, 200, entered.text)
  const self = bearer(entered.json)
  const { items } = (await own.ask('GET /api/v2/service-accounts', self)).json
  const [{ id, ...shown }] = items
  assert.deepEqual([shown.is_system, shown.roles, shown.created_by], [true, ['ADMIN'], 'system'])
  const path = `/api/v2/service-accounts/${id}`
  const [born] = (await own.ask('GET /api/v2/audit?action=createAccount')).json.items
  assert.deepEqual([born.actor_type, born.resource], ['system', { id }])
  assert.deepEqual([born.detail.by, born.detail.after.roles], ['settings', ['ADMIN']])
  for (const [line, body] of [
    [`DELETE ${path}`, undefined],
    [`PUT ${path}`, { status: 'SUSPENDED' }],
  ] as const) {
    const answer = await own.ask(line, body === undefined ? {} : { json: body })
    refused(answer, 409, 'ACCOUNT_PROTECTED')
    // It waits until all rows are durable.
    await own.ask('POST /api/v2/audit/verify')
    const found = await own.ask('GET /api/v2/audit?outcome=failed')
    const [row] = found.json.items
    assert.deepEqual([row.code, row.resource], ['ACCOUNT_PROTECTED', { id }])
  }
  const made = await account({ name: 'made' })
  assert.equal(made.is_system, false)
  const mass = await server.ask('POST /api/v2/service-accounts', {
    json: { name: 'mass', is_system: true },
  })
  assert.equal(mass.status, 422, mass.text)
})
