import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refused, startServer, type Tree } from '../../../started-server.test.ts'

const password = 'Correct-Horse-7-Battery'

test('a token is told to its owner and to administrators, who are noted', async () => {
  await using server = await startServer()
  const enter = async (username: string): Promise<Tree> => {
    const json = { username, password, roles: ['USER'], must_change_password: false }
    const { id } = (await server.ask('POST /api/v2/users', { json })).json
    const given = { json: { username, password }, key: null }
    const tokens = (await server.ask('POST /api/v2/auth/login', given)).json
    const as = { key: null, headers: { authorization: `Bearer ${tokens.access_token}` } }
    return { id, ...tokens, as }
  }
  const [ann, bob] = [await enter('ann'), await enter('bob')]
  const validate = async (token: string, as: object = {}) =>
    await server.ask('POST /api/v2/auth/validate', { ...as, json: { token } })
  const own = await validate(ann.access_token, ann.as)
  assert.equal(own.status, 200, own.text)
  assert.equal(own.headers['cache-control'], 'no-store')
  const { exp, sid, scope, ...told } = own.json
  const facts = { active: true, token_use: 'access', kind: 'user', iss: 'holdfast' }
  assert.deepEqual(told, { ...facts, sub: ann.id, username: 'ann' })
  assert.ok(Number.isInteger(exp) && sid !== undefined && scope !== undefined)
  assert.deepEqual((await validate(ann.access_token, bob.as)).json, { active: false })
  assert.deepEqual((await validate(ann.refresh_token, bob.as)).json, { active: false })
  assert.deepEqual((await validate('hf_test-administrator-0123456789')).json, { active: false })
  refused(await validate(ann.access_token, { key: null }), 401, 'UNAUTHENTICATED')
  const long = await validate('x'.repeat(8193), bob.as)
  refused(long, 422, 'VALIDATION_ERROR')
  assert.equal((await validate(bob.refresh_token)).json.sub, bob.id)
  await server.running.context.audit.flush()
  const { items } = (await server.ask('GET /api/v2/audit?action=validateToken')).json
  assert.deepEqual(
    items.map(({ outcome, detail }: Tree) => [outcome, detail]),
    [
      ['success', { principal_id: bob.id, token_use: 'refresh' }],
      ['refused', {}],
    ],
  )
  for (const text of [server.logLines.join(''), JSON.stringify(items)]) {
    for (const token of [ann.access_token, bob.refresh_token]) assert.ok(!text.includes(token))
  }
})

test('anybody learns which ways to log in there are, and nothing else', async () => {
  await using plain = await startServer()
  const ways = await plain.ask('GET /api/v2/auth/status', { key: null })
  assert.deepEqual(ways.json, {
    password: true,
    directory: false,
    openid: null,
    password_reset: false,
    second_factor_for: 'nobody',
  })
  await using full = await startServer({
    env: {
      STORAGE_PUBLIC_URL: 'http://127.0.0.1:1',
      STORAGE_OIDC_ISSUER: 'http://127.0.0.1:1',
      STORAGE_OIDC_CLIENT_ID: 'secret-client',
      STORAGE_OIDC_CLIENT_SECRET: 'secret-secret',
      STORAGE_OIDC_RETURN_URLS: 'http://127.0.0.1:1/console/',
      STORAGE_OIDC_LABEL: 'Staff of the Quarry',
      STORAGE_LDAP_SERVER: 'ldap://127.0.0.1:1',
      STORAGE_LDAP_BASE_DN: 'dc=secret,dc=org',
      STORAGE_SMTP_HOST: '127.0.0.1',
      STORAGE_MAIL_FROM: 'secret@example.org',
      STORAGE_SECOND_FACTOR_REQUIRED: 'administrators',
    },
  })
  const answer = await full.ask('GET /api/v2/auth/status', { key: null })
  assert.deepEqual(answer.json, {
    password: true,
    directory: true,
    openid: { label: 'Staff of the Quarry', path: '/api/v2/auth/oidc/login' },
    password_reset: true,
    second_factor_for: 'administrators',
  })
  const begun = await full.ask(`GET ${answer.json.openid.path}`, { key: null })
  assert.notEqual(begun.json?.code, 'ROUTE_NOT_FOUND')
})
