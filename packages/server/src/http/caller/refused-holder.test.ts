import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { generateKeyPair, SignJWT } from 'jose'
import { refused, startServer, type TestServer, type Tree } from '../../started-server.test.ts'
import { openLog } from '../../telemetry/log.ts'

/** What the audit log tells of tokens of ours that are authentic, and refused. */

const password = 'Correct-Horse-7-Battery'
const thief = { 'user-agent': 'thief/1', 'x-forwarded-for': '203.0.113.9' }
let server: TestServer

before(async () => {
  server = await startServer({
    env: { STORAGE_TRUSTED_PROXIES: '127.0.0.1', STORAGE_ACCOUNT_REFRESH_TOKENS: 'on' },
  })
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

async function enter(username: string): Promise<Tree> {
  const json = { username, password, roles: ['ADMIN'], must_change_password: false }
  const made = await server.ask('POST /api/v2/users', { json })
  assert.equal(made.status, 201, made.text)
  const login = { json: { username, password }, key: null }
  const { json: tokens } = await server.ask('POST /api/v2/auth/login', login)
  return { id: made.json.id, ...tokens, sid: claims(tokens.access_token).sid }
}

function claims(token: string): Tree {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

async function renew(token: string, headers = {}) {
  const json = { refresh_token: token }
  return await server.ask('POST /api/v2/auth/refresh', { json, headers, key: null })
}

async function me(token: string) {
  const headers = { authorization: `Bearer ${token}` }
  return await server.ask('GET /api/v2/auth/me', { headers, key: null })
}

async function rows(query: string): Promise<Tree[]> {
  await server.running.context.audit.flush()
  return (await server.ask(`GET /api/v2/audit?${query}`)).json.items
}

async function rowOf(answer: { headers: Tree }): Promise<Tree> {
  const all = await rows('outcome=refused&limit=1000')
  const [row, ...others] = all.filter(({ request_id: id }) => id === answer.headers['x-request-id'])
  assert.deepEqual(others, [])
  return row
}

test('a replayed refresh token is told with the session that it ended, and its owner', async () => {
  const { id, refresh_token: token, sid } = await enter('robbed')
  const next = (await renew(token)).json
  const replay = await renew(token, thief)
  refused(replay, 401, 'UNAUTHENTICATED')
  refused(await renew(next.refresh_token), 401, 'UNAUTHENTICATED')
  const [ended, ...others] = await rows('severity=warning&action=endReusedSession')
  assert.deepEqual(others, [])
  assert.deepEqual(ended.resource, { id: sid })
  const reason = 'a refresh token was used twice'
  assert.deepEqual(ended.detail, { user_id: id, username: 'robbed', reason })
  assert.deepEqual([ended.ip, ended.agent], ['203.0.113.9', 'thief/1'])
  assert.deepEqual([ended.session_id, ended.actor_type], [sid, 'system'])
  const told = await rowOf(replay)
  assert.deepEqual([told.session_id, told.actor], [sid, 'anonymous'])
  assert.deepEqual(told.detail, { user_id: id, username: 'robbed' })
  const late = await me(next.access_token)
  refused(late, 401, 'UNAUTHENTICATED')
  assert.deepEqual((await rowOf(late)).detail, { user_id: id, username: 'robbed' })
  assert.ok(!replay.text.includes(sid) && !replay.text.includes('robbed'))
})

test('the same of a program', async () => {
  const account = await server.ask('POST /api/v2/service-accounts', { json: { name: 'runner' } })
  const { id, client_id, client_secret } = account.json
  const trade = async (refresh_token?: string, headers = {}) => {
    const grant_type = refresh_token === undefined ? 'client_credentials' : 'refresh_token'
    const json = { grant_type, client_id, client_secret, refresh_token }
    return await server.ask('POST /api/v2/auth/token', { json, headers, key: null })
  }
  const { refresh_token: token, access_token: access } = (await trade()).json
  assert.equal((await trade(token)).status, 200)
  assert.equal((await trade(token, thief)).json.code, 'GRANT_INVALID')
  const { sid } = claims(access)
  const [ended, ...others] = await rows(`session_id=${sid}&action=endReusedSession`)
  assert.deepEqual(others, [])
  const { reason: _, ...who } = ended.detail
  assert.deepEqual(who, { account_id: id, client_id })
  assert.deepEqual([ended.resource.id, ended.ip, ended.agent], [sid, '203.0.113.9', 'thief/1'])
})

test('whose good token is held up by a lock is told', async () => {
  const { id, access_token: access, refresh_token: token, sid } = await enter('held')
  const wrong = { json: { username: 'held', password: 'wrong' }, key: null }
  for (let n = 0; n < 5; n += 1) await server.ask('POST /api/v2/auth/login', wrong)
  for (const answer of [await me(access), await renew(token)]) {
    refused(answer, 423, 'ACCOUNT_LOCKED')
    const row = await rowOf(answer)
    assert.deepEqual([row.actor, row.session_id, row.status], ['anonymous', sid, 423])
    assert.deepEqual(row.detail, { user_id: id, username: 'held' })
  }
})

test('a forged token names nobody', async () => {
  const { access_token: access, refresh_token: token } = await enter('forged')
  const { privateKey } = await generateKeyPair('RS256')
  const forge = async (good: string) => {
    const [head = '', body = '', signature = ''] = good.split('.')
    const { kid, typ } = JSON.parse(Buffer.from(head, 'base64url').toString())
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ, kid })).toString('base64url')
    const signing = new SignJWT(claims(good)).setProtectedHeader({ alg: 'RS256', kid, typ })
    const changed = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    return [`${head}.${body}.${changed}`, `${none}.${body}.`, await signing.sign(privateKey)]
  }
  for (const [good, ask] of [
    [access, me],
    [token, renew],
  ] as const) {
    for (const forged of [...(await forge(good)), 'garbage']) {
      const answer = await ask(forged)
      refused(answer, 401, 'UNAUTHENTICATED')
      const { detail, resource, session_id: sid, actor } = await rowOf(answer)
      assert.deepEqual([detail, resource, sid, actor], [{}, {}, null, 'anonymous'], forged)
    }
  }
  assert.equal((await renew(token)).status, 200)
})

test('a line of the log does not tell whose token it was', () => {
  const holder = { who: { username: 'ann' }, sessionId: 'one' }
  const lines: string[] = []
  const error = new HoldfastError('IDENTITY_UNAVAILABLE', {}, { holder })
  const { settings } = server.running.context
  openLog(settings, '1', { write: line => lines.push(line) }).error({ error }, 'failed')
  assert.equal(error.holder, holder)
  assert.match(lines.join(''), /IDENTITY_UNAVAILABLE/)
  assert.doesNotMatch(lines.join(''), /"holder"|"ann"|"one"/)
})
