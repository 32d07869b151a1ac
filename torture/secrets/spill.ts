import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAccessKey } from '@holdfast/engine/access/keys/access-keys.ts'
import { systemCall } from '@holdfast/engine/engine.ts'
import { parseSettings } from '@holdfast/server/config/parse-settings.ts'
import type { SmtpSink } from '@holdfast/testkit/smtp-sink.ts'
import { adminKey, type Lab, s3Key } from '../access/open-lab.ts'
import { sign, signedForm } from '../access/s3/sign.ts'
import { type Answer, type Asked, jsonOf, type Tree } from '../access/wire.ts'
import type { Run } from '../runner/program.ts'
import { Canaries } from './canaries.ts'
import { makeLoginSecrets, signatureOf } from './make-login-secrets.ts'
import { makePeopleSecrets } from './make-people-secrets.ts'

/** What this server knows itself by, at places that it asks. */
export const outsideSecrets = {
  'LDAP password': 'Ldap-Canary-Password-1',
  'OIDC secret': 'Oidc-Canary-Secret-2-0123456789abcdef',
  'issuer secret': 'Issuer-Canary-Secret-3-0123456789abcdef',
  'Redis password': 'Redis-Canary-Password-4',
} as const
export const initialPassword = 'Initial-Canary-Password-1'
const password = 'User-Canary-Password-2!'
const nextPassword = 'Next-Canary-Password-3!'
const wrongPassword = 'Wrong-Canary-Password-4!'
export const smtpPassword = 'Smtp-Canary-Password-9'
const wrongKey = 'hf_wrong-canary-key-0123456789abcdef'

/**
 * Makes every kind of secret, uses and misuses all of them, and looks through what came of it.
 * Without a server for mails no password is reset.
 */
export async function spill(run: Run, lab: Lab, sink?: SmtpSink): Promise<void> {
  const given = givenOf(run, lab)
  const { canaries, ask } = given
  canaries.add(
    { name: 'bootstrap key', secret: adminKey },
    { name: 'bootstrap S3 secret', secret: s3Key.secret },
    { name: 'initial password', secret: initialPassword },
    { name: 'password', secret: password },
    { name: 'next password', secret: nextPassword },
    { name: 'wrong password', secret: wrongPassword },
    { name: 'wrong key', secret: wrongKey },
    { name: 'SMTP password', secret: smtpPassword },
  )
  const tokens = await makeTokens(given)
  const key = await makeKeys(given)
  const asAdmin = (path: string, body: Tree) => post(path, body, admin)
  await makePeopleSecrets({ canaries, ask, post: asAdmin })
  await makeLoginSecrets({ lab, sink, canaries, ask, post: asAdmin, open: post })
  await misuse(given, { tokens, key })
  await useS3(given)
  await lookAtOutputs(given)
  lookAtSettings(given)
}

/** Each answer is looked through before anybody has it. */
export function givenOf(run: Run, lab: Lab): Given {
  const canaries = new Canaries()
  const ask = async (asked: Asked, except: readonly string[] = []): Promise<Answer> => {
    const answer = await lab.rest.ask(asked)
    look(run, canaries, { where: `${asked.method} ${asked.path.slice(0, 60)}`, answer, except })
    return answer
  }
  return { run, lab, canaries, ask }
}

export interface Given {
  readonly run: Run
  readonly lab: Lab
  readonly canaries: Canaries
  ask(asked: Asked, except?: readonly string[]): Promise<Answer>
}

const json = { 'content-type': 'application/json' }
const admin = { 'x-api-key': adminKey }
export const post = (path: string, body: Tree, headers = {}): Asked => ({
  ...{ method: 'POST', path, headers: { ...json, ...headers } },
  body: Buffer.from(JSON.stringify(body)),
})

/** Tokens are told once, when they are made; what they consist of is found in nothing else. */
async function makeTokens({ canaries, ask }: Given): Promise<Tree> {
  const user = { username: 'spiller', password, must_change_password: false, roles: ['ADMIN'] }
  await ask(post('/api/v2/users', user, admin))
  const first = jsonOf(await ask(post('/api/v2/auth/login', { username: 'spiller', password })))
  canaries.add(
    { name: 'access token', secret: signatureOf(first.access_token) },
    { name: 'refresh token', secret: signatureOf(first.refresh_token) },
  )
  const refreshing = { refresh_token: first.refresh_token }
  const next = jsonOf(await ask(post('/api/v2/auth/refresh', refreshing)))
  canaries.add(
    { name: 'next access token', secret: signatureOf(next.access_token) },
    { name: 'next refresh token', secret: signatureOf(next.refresh_token) },
  )
  return next
}

async function makeKeys({ lab, canaries, ask }: Given): Promise<string> {
  const input = { name: 'spilled', permissions: ['*'] }
  const { key } = jsonOf(await ask(post('/api/v2/keys', input, admin)))
  canaries.add({ name: 'new key', secret: key })
  const { engine } = lab.context
  const pair = await createAccessKey(engine, systemCall('spill'), input)
  canaries.add({ name: 'new S3 secret', secret: pair.secret })
  const put = { method: 'PUT', path: '/api/v2/buckets/holdfast/assets/a', headers: admin }
  const { id } = jsonOf(await ask({ ...put, body: Buffer.from('a') }))
  const path = `/api/v2/assets/${id}/presigned-url`
  const { url } = jsonOf(await ask({ method: 'GET', path, headers: admin }))
  const token: string = new URL(url).pathname.split('/').at(-1) ?? ''
  canaries.add({ name: 'presigned link', secret: token.slice(-32) })
  await ask({ method: 'GET', path: new URL(url).pathname })
  const broken = `${new URL(url).pathname.slice(0, -32)}${token.slice(-32).toUpperCase()}`
  await ask({ method: 'GET', path: broken })
  return key
}

/** Wrong ones in every place, and right ones in wrong places. */
async function misuse(given: Given, had: { readonly tokens: Tree; readonly key: string }) {
  const { ask } = given
  const { tokens, key } = had
  const me = '/api/v2/auth/me'
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  for (const headers of [
    ...[bearer(tokens.access_token), bearer(tokens.refresh_token), bearer(key), bearer(wrongKey)],
    ...[{ 'x-api-key': tokens.access_token }, { 'x-api-key': key }, { 'x-api-key': wrongKey }],
    ...[{ 'x-api-key': key, ...bearer(tokens.access_token) }, { authorization: `Basic ${key}` }],
    ...[{ authorization: key }, { cookie: `session=${key}` }, { 'x-request-id': `${key} x` }],
  ]) {
    await ask({ method: 'GET', path: me, headers })
    await ask({ method: 'DELETE', path: '/api/v2/assets/not-an-id', headers })
    await ask({ method: 'PUT', path: '/api/v2/buckets/x/assets/y', headers })
  }
  for (const path of [`/api/v2/assets?key=${key}`, `/nothing/${key}`, `${me}?token=${key}`]) {
    // What a caller puts into an address is repeated to that caller at most.
    await ask({ method: 'GET', path, headers: admin }, ['new key'])
  }
  for (const body of [
    ...[
      { username: 'spiller', password: wrongPassword },
      { username: wrongPassword, password },
    ],
    ...[{ username: 'spiller', password, extra: 1 }, { password }, { username: 1, password }],
  ]) {
    await ask(post('/api/v2/auth/login', body))
  }
  const change = { username: 'spiller', password: wrongPassword, new_password: nextPassword }
  await ask(post('/api/v2/auth/password', change))
  await ask(post('/api/v2/auth/password', { ...change, password, new_password: 'short' }))
  await ask(post('/api/v2/auth/password', { ...change, password }))
  await ask(post('/api/v2/auth/refresh', { refresh_token: tokens.refresh_token }))
  await ask(post('/api/v2/auth/refresh', { refresh_token: key, more: wrongKey }))
}

async function useS3({ run, lab, canaries }: Given): Promise<void> {
  const about = { host: lab.s3.host, nowMs: lab.now() }
  const wrong = { id: s3Key.id, secret: wrongKey }
  for (const pair of [s3Key, wrong]) {
    for (const mode of ['header', 'query', 'chunks'] as const) {
      const plain = { method: 'PUT', path: '/holdfast/s3', body: 'x' }
      const answer = await lab.s3.ask(sign(plain, { pair, mode, ...about }))
      look(run, canaries, { where: `S3 ${mode}`, answer, except: [] })
    }
    const form = signedForm({ bucket: 'holdfast', key: 'form', content: 'x' }, { pair, ...about })
    look(run, canaries, { where: 'S3 form', answer: await lab.s3.ask(form), except: [] })
  }
}

/** Whatever tells somebody of what happened: lists, audit log, metrics, log lines, files. */
export async function lookAtOutputs({ run, lab, canaries, ask }: Given): Promise<void> {
  const outputs = [
    ...['/metrics', '/health', '/api/v2/openapi.json', '/api/v2/users', '/api/v2/keys'],
    ...['/api/v2/audit?limit=1000', '/api/v2/audit/export?format=csv', '/api/v2/groups'],
    ...['/api/v2/audit/export?format=jsonl', '/api/v2/auth/signing-keys', '/api/v2/auth/jwks.json'],
  ]
  for (const path of outputs) {
    const { status } = await ask({ method: 'GET', path, headers: admin })
    if (status !== 200) run.fail(`${path}: ${status}`)
    run.count('outputs')
  }
  const { linkSecret } = lab.context.engine.settings
  const inside = new Canaries()
  inside.add({ name: 'secret of the store', secret: Buffer.from(linkSecret).toString('latin1') })
  for (const line of lab.log) {
    const found = [...canaries.in(line), ...inside.in(line)]
    run.count('log lines')
    if (found.length === 0) run.pass()
    else run.fail(`the log tells ${found}: ${line.slice(0, 300)}`)
  }
  for (const file of readdirSync(lab.dir, { recursive: true, encoding: 'utf8' })) {
    lookAtFile(run, canaries, join(lab.dir, file))
  }
}

function lookAtFile(run: Run, canaries: Canaries, path: string): void {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch {
    // A directory, or a file that went meanwhile.
    return
  }
  const found = canaries.in(bytes)
  run.count('files')
  const keys = /-----BEGIN [A-Z ]*PRIVATE KEY|"kty":"RSA"[^}]*"d":/.test(bytes.toString('latin1'))
  if (keys) run.fail(`${path} holds a private key`)
  else if (found.length > 0) run.fail(`${path} holds ${found}`)
  else run.pass()
}

/** Settings that are wrong are told by name, never by value. */
function lookAtSettings({ run, canaries }: Given): void {
  for (const [name, secret] of Object.entries(outsideSecrets)) canaries.add({ name, secret })
  const secrets = {
    STORAGE_BOOTSTRAP_API_KEY: `${adminKey} with spaces`,
    STORAGE_BOOTSTRAP_S3_SECRET_ACCESS_KEY: `${s3Key.secret}\n`.repeat(9),
    STORAGE_INITIAL_ADMIN_PASSWORD: `${initialPassword}\n`,
    STORAGE_INITIAL_ACCOUNT_SECRET: `${initialPassword} ${initialPassword}`,
    STORAGE_SMTP_PASSWORD: `${smtpPassword}\n`,
    STORAGE_SMTP_CA: smtpPassword,
    STORAGE_AUDIT_KEY: `${smtpPassword} ${smtpPassword}`,
    STORAGE_LDAP_BIND_PASSWORD: `${outsideSecrets['LDAP password']}\n`,
    STORAGE_OIDC_CLIENT_SECRET: `${outsideSecrets['OIDC secret']} x`,
    STORAGE_EXTERNAL_ISSUERS: `[{"issuer":"x","secret":"${outsideSecrets['issuer secret']}"}]`,
    STORAGE_REDIS_URL: `ftp://user:${outsideSecrets['Redis password']}@host`,
  }
  for (const [name, value] of Object.entries(secrets)) {
    const env = { [name]: value, STORAGE_ENVIRONMENT: 'production', STORAGE_PORT: 'x' }
    let told = ''
    try {
      parseSettings({ env })
    } catch (error) {
      told = `${error instanceof Error ? `${error.stack}` : error} ${JSON.stringify(error)}`
    }
    run.count('settings')
    const found = canaries.in(told)
    if (told === '') run.fail(`${name} was taken`)
    else if (found.length > 0) run.fail(`the refusal of ${name} tells ${found}`)
    else run.pass()
  }
}

function look(
  run: Run,
  canaries: Canaries,
  seen: { readonly where: string; readonly answer: Answer; readonly except: readonly string[] },
): void {
  const { where, answer, except } = seen
  const found = canaries.in(`${JSON.stringify(answer.headers)}${answer.text}`, except)
  run.count('answers')
  if (found.length === 0) run.pass()
  else run.fail(`${where} tells ${found}: ${answer.text.slice(0, 300)}`)
}
