import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startServer, type TestServer } from '../started-server.test.ts'

const root = join(import.meta.dirname, '../../../..')
const rulesFile = join(root, 'deploy/prometheus/identity.rules.yml')
const testsFile = join(root, 'deploy/prometheus/identity.rules.test.yml')
const rules = rulesIn(readFileSync(rulesFile, 'utf8'))
const chief = { username: 'root', password: 'Chief-Password-2026' }
let server: TestServer

before(async () => {
  server = await startServer({
    env: {
      STORAGE_INITIAL_ADMIN_USERNAME: chief.username,
      STORAGE_INITIAL_ADMIN_PASSWORD: chief.password,
      STORAGE_LOCKOUT_FAILURES: '1',
    },
  })
})
after(async () => await server[Symbol.asyncDispose]())

interface Ask {
  readonly metric: string
  /** Labels with the values that they must have. */
  readonly labels: readonly string[]
}

interface Rule {
  readonly name: string
  readonly asks: readonly Ask[]
}

function rulesIn(text: string): Rule[] {
  const found = [...text.matchAll(/- alert: (\w+)\n +expr: (.+)\n/g)]
  return found.map(([, name = '', expr = '']) => ({ name, asks: asksOf(expr) }))
}

/** What is no function, keyword or label in an expression of PromQL is a metric. */
function asksOf(expr: string): Ask[] {
  const bare = expr.replaceAll(/\b(?:by|on) \([^)]*\)|\[\w+\]/g, '')
  const names = [...bare.matchAll(/([a-z]\w*)\b(?! *\()(\{[^}]*\})?/g)]
  return names
    .filter(([, name = '']) => !/^(and|or|unless)$/.test(name))
    .map(([, metric = '', labels = '']) => {
      return { metric, labels: labels.match(/\w+="[^"]*"/g) ?? [] }
    })
}

async function scrape(): Promise<string> {
  return (await server.ask('GET /metrics')).text
}

async function sampleOf(sample: string): Promise<number> {
  const line = (await scrape()).split('\n').find(one => one.startsWith(`${sample} `))
  return Number(line?.slice(sample.length + 1))
}

async function login(password: string, username = chief.username) {
  return await server.ask('POST /api/v2/auth/login', { json: { username, password }, key: null })
}

test('every alarm asks for what a server exposes before anything has happened', async () => {
  assert.ok(rules.length >= 10)
  const text = await scrape()
  for (const { name, asks } of rules) {
    assert.ok(asks.length > 0, name)
    for (const { metric, labels } of asks) {
      assert.match(text, new RegExp(`^# TYPE ${metric} `, 'm'), name)
      const samples = text.split('\n').filter(line => line.startsWith(`${metric}{`))
      // Without Redis or TLS there is no such sample, and nothing to raise an alarm about.
      if (metric === 'redis_connection_status' || metric.startsWith('tls_')) continue
      const fits = samples.filter(line => labels.every(label => line.includes(label)))
      assert.ok(labels.length === 0 || fits.length > 0, `${name}: ${metric} ${labels}`)
    }
  }
})

test('every alarm has an entry in the playbook and a case that raises it', () => {
  const playbook = readFileSync(join(root, 'docs/alerts.md'), 'utf8')
  const cases = readFileSync(testsFile, 'utf8')
  for (const { name } of rules) {
    assert.match(playbook, new RegExp(`^## ${name}$`, 'm'))
    assert.match(cases, new RegExp(`alertname: ${name}\n +exp_alerts:`))
  }
  const entries = [...playbook.matchAll(/^## (\w+)$/gm)].map(([, name]) => name)
  assert.deepEqual(entries.sort(), rules.map(({ name }) => name).sort())
})

test('logins, tokens, keys, accounts and locks are counted', async () => {
  const samples = {
    made: 'tokens_created_total{kind="user",type="access"}',
    renewals: 'tokens_created_total{kind="user",type="refresh"}',
    programs: 'tokens_created_total{kind="service_account",type="access"}',
    good: 'token_validations_total{issuer="own",result="success"}',
    remembered: 'token_validations_total{issuer="any",result="remembered"}',
    forged: 'token_validations_total{issuer="own",result="UNAUTHENTICATED"}',
    foreign: 'token_validations_total{issuer="unknown",result="UNAUTHENTICATED"}',
    rotated: 'jwt_rotation_total{trigger="request"}',
    keys: 'jwt_active_keys',
    locked: 'auth_lockouts_total',
    accounts: 'service_accounts_active',
    wrong: 'auth_attempts_total{operation="login",result="UNAUTHENTICATED"}',
  }
  const figures = async () => {
    const entries = Object.entries(samples).map(async ([name, one]) => [name, await sampleOf(one)])
    return Object.fromEntries(await Promise.all(entries))
  }
  const zero = Object.fromEntries(Object.keys(samples).map(name => [name, 0]))
  assert.deepEqual(await figures(), zero)
  const { access_token: token } = (await login(chief.password)).json
  const me = async (bearer: string) => {
    const headers = { authorization: `Bearer ${bearer}` }
    return (await server.ask('GET /api/v2/auth/me', { key: null, headers })).status
  }
  assert.deepEqual([await me(token), await me(token)], [200, 200])
  const forged = `${token.slice(0, -8)}AAAAAAAA`
  const claims = Buffer.from(JSON.stringify({ iss: 'https://elsewhere.example' }))
  const foreign = `eyJhbGciOiJSUzI1NiJ9.${claims.toString('base64url')}.AAAA`
  assert.deepEqual([await me(forged), await me(foreign)], [401, 401])
  assert.equal((await server.ask('POST /api/v2/auth/signing-keys/rotate')).status, 200)
  const json = { name: 'robot', roles: ['READONLY'] }
  const made = (await server.ask('POST /api/v2/service-accounts', { json })).json
  const client = { client_id: made.client_id, client_secret: made.client_secret }
  const grant = { grant_type: 'client_credentials', ...client }
  const answer = await server.ask('POST /api/v2/auth/token', { json: grant, key: null })
  assert.equal(answer.status, 200, answer.text)
  assert.equal((await login('Wrong-Password-2026')).status, 401)
  const one = { made: 1, renewals: 1, programs: 1, good: 1, remembered: 1, forged: 1, foreign: 1 }
  const rest = { rotated: 1, keys: 2, locked: 1, accounts: 1, wrong: 1 }
  assert.deepEqual(await figures(), { ...one, ...rest })
})

const promtool = spawnSync('promtool', ['--version']).status === 0
const skip = promtool ? false : 'promtool is not installed'

test('the rules are good, and raised by their cases alone', { skip }, () => {
  for (const args of [
    ['check', 'rules', rulesFile],
    ['test', 'rules', testsFile],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
    assert.equal(status, 0, `${stdout}${stderr}`)
  }
})
