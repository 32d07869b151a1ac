import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { after, before, test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { Provider } from 'oidc-provider'
import { parseSettings } from '../../../config/parse-settings.ts'
import {
  type Answer,
  refused,
  startServer,
  type TestServer,
  type Tree,
} from '../../../started-server.test.ts'

/** A real provider, which lets everybody in who says a name, and a browser of sixty lines. */

const page = 'http://127.0.0.1:1/console/'
const secret = 'the-secret-of-this-client-at-the-provider'
const signing = generateKeyPairSync('rsa', { modulusLength: 2048 })
let server: TestServer
let idp: Server
let issuer = ''

before(async () => {
  const address = await freeAddress()
  idp = createServer()
  await new Promise<void>(resolve => idp.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${portOf(idp)}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'holdfast',
        client_secret: secret,
        redirect_uris: [`${address}/api/v2/auth/oidc/callback`],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [{ ...signing.privateKey.export({ format: 'jwk' }), kid: 'op', use: 'sig' }] },
    cookies: { keys: ['test'] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email'] },
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        preferred_username: `${id} of elsewhere`,
        email: `${id}@idp.example.org`,
        groups: id === 'olga' ? ['store-operators'] : ['others'],
      }),
    }),
  })
  idp.on('request', provider.callback())
  server = await startServer({
    env: {
      STORAGE_PORT: new URL(address).port,
      STORAGE_PUBLIC_URL: address,
      STORAGE_OIDC_ISSUER: issuer,
      STORAGE_OIDC_CLIENT_ID: 'holdfast',
      STORAGE_OIDC_CLIENT_SECRET: secret,
      STORAGE_OIDC_RETURN_URLS: page,
      STORAGE_OIDC_SESSION_LIFETIME: '1h',
      STORAGE_OIDC_ALGORITHM: 'RS256',
      // All come from one address here, and many are wrong on purpose.
      STORAGE_RATE_LIMIT_LOGIN: 'off',
      STORAGE_OIDC_MAPS: JSON.stringify([
        { claim: 'groups', values: { 'store-operators': ['OPERATOR'] } },
      ]),
      STORAGE_OIDC_DEFAULT_ROLE: 'USER',
    },
  })
})
after(async () => {
  await server[Symbol.asyncDispose]()
  idp.closeAllConnections()
  await new Promise(resolve => idp.close(resolve))
})

function portOf(one: Server): number {
  const address = one.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

/** The redirect address must be known to the provider before this server listens. */
async function freeAddress(): Promise<string> {
  const one = createServer()
  await new Promise<void>(resolve => one.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${portOf(one)}`
  await new Promise(resolve => one.close(resolve))
  return address
}

interface Attempt {
  readonly verifier: string
  readonly address: string
  readonly cookie: string
}

async function begin(): Promise<Attempt> {
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const query = new URLSearchParams({ return_to: page, challenge })
  const answer = await server.ask(`GET /api/v2/auth/oidc/login?${query}`, { key: null })
  assert.equal(answer.status, 302, answer.text)
  const [cookie = ''] = answer.headers['set-cookie'] ?? []
  assert.match(
    cookie,
    /^holdfast-oidc=[\w-]{43}; .*Path=\/api\/v2\/auth\/oidc; HttpOnly; SameSite=Lax$/,
  )
  return { verifier, address: answer.headers.location ?? '', cookie: cookie.split(';')[0] ?? '' }
}

/** Walks through the pages of the provider; the result is where it sends the browser at the end. */
async function logInThere(address: string, name: string): Promise<string> {
  const jar = new Map<string, string>()
  let next: { url: string; form?: URLSearchParams } = { url: address }
  for (let steps = 0; steps < 20; steps += 1) {
    const cookie = [...jar].map(pair => pair.join('=')).join('; ')
    const response = await fetch(next.url, {
      redirect: 'manual',
      headers: { cookie },
      ...(next.form && { method: 'POST', body: next.form }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(key, value)
    }
    const to = response.headers.get('location')
    if (to !== null) {
      const url = new URL(to, next.url).href
      if (!url.startsWith(issuer)) return url
      next = { url }
      continue
    }
    const html = await response.text()
    const action = /action="([^"]+)"/.exec(html)?.[1]
    const prompt = /name="prompt" value="(\w+)"/.exec(html)?.[1]
    assert.ok(action !== undefined && prompt !== undefined, html)
    const form = new URLSearchParams({
      prompt,
      ...(prompt === 'login' && { login: name, password: 'x' }),
    })
    next = { url: new URL(action, next.url).href, form }
  }
  return assert.fail('the provider did not come to an end')
}

async function callback(back: string, cookie: string): Promise<Answer> {
  const { pathname, search } = new URL(back)
  return await server.ask(`GET ${pathname}${search}`, { key: null, headers: { cookie } })
}

function codeOf(answer: Answer): string {
  assert.equal(answer.status, 302, answer.text)
  const location = answer.headers.location ?? ''
  assert.ok(location.startsWith(`${page}#code=`), location)
  return location.slice(`${page}#code=`.length)
}

async function redeem(code: string, verifier: string): Promise<Answer> {
  return await server.ask('POST /api/v2/auth/oidc/token', { json: { code, verifier }, key: null })
}

async function enter(name: string): Promise<Tree> {
  const attempt = await begin()
  const back = await logInThere(attempt.address, name)
  const answer = await redeem(codeOf(await callback(back, attempt.cookie)), attempt.verifier)
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

function by(tokens: Tree) {
  return { key: null, headers: { authorization: `Bearer ${tokens.access_token}` } }
}

test('a person logs in at the provider and works with the mapped rights', async () => {
  const olga = await enter('olga')
  const me = (await server.ask('GET /api/v2/auth/me', by(olga))).json
  assert.deepEqual([me.kind, me.name], ['user', 'olga of elsewhere'])
  assert.ok(me.permissions.includes('store:admin'))
  const user = (await server.ask(`GET /api/v2/users/${me.id}`)).json
  assert.deepEqual([user.source, user.email], ['oidc', 'olga@idp.example.org'])
  assert.deepEqual(user.roles, ['OPERATOR', 'USER'])
  const { engine } = server.running.context
  const record = await engine.catalog.view.identities.byId('user', me.id)
  // Other maps are told from these by it, and end what these gave.
  assert.ok(engine.identity.openId)
  assert.equal(record?.outside?.maps, engine.identity.openId.maps)
  const umar = (await server.ask('GET /api/v2/auth/me', by(await enter('umar')))).json
  assert.deepEqual(umar.permissions, ['buckets:read', 'buckets:create'])
  assert.equal((await server.ask('GET /api/v2/auth/me', by(await enter('olga')))).json.id, me.id)
  const rows = (await server.ask('GET /api/v2/audit?action=redeemOpenId')).json.items
  assert.deepEqual([rows.at(-1).actor, rows.at(-1).outcome], [me.id, 'success'])
})

test('who has no password here is told to log in again, and asked for none', async () => {
  const tokens = await enter('olga')
  const me = await server.ask('GET /api/v2/auth/me', by(tokens))
  assert.equal(me.json.confirms_with, 'provider')
  const json = { password: 'whatever' }
  const told = await server.ask('POST /api/v2/auth/confirm', { ...by(tokens), json })
  refused(told, 403, 'FORBIDDEN')
  assert.match(told.json.details.reason, /log in again at your provider/)
})

test('a session is refreshed, but never beyond the time of its login', async () => {
  const first = await enter('rita')
  const renew = async (token: string) =>
    await server.ask('POST /api/v2/auth/refresh', { json: { refresh_token: token }, key: null })
  const second = (await renew(first.refresh_token)).json
  const expiry = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).exp
  assert.equal(expiry(second.refresh_token), expiry(first.refresh_token))
  assert.ok(expiry(first.refresh_token) - Date.now() / 1000 <= 3600)
  const { id } = (await server.ask('GET /api/v2/auth/me', by(second))).json
  await server.ask(`PUT /api/v2/users/${id}`, { json: { status: 'INACTIVE' } })
  refused(await server.ask('GET /api/v2/auth/me', by(second)), 401, 'UNAUTHENTICATED')
  const attempt = await begin()
  const back = await logInThere(attempt.address, 'rita')
  refused(await callback(back, attempt.cookie), 403, 'ACCOUNT_DISABLED')
})

test('the address asks for a code with PKCE, state and nonce', async () => {
  const [one, two] = [new URL((await begin()).address), new URL((await begin()).address)]
  const { searchParams: query } = one
  assert.equal(query.get('response_type'), 'code')
  assert.equal(query.get('code_challenge_method'), 'S256')
  for (const name of ['state', 'nonce', 'code_challenge']) {
    assert.match(query.get(name) ?? '', /^[\w-]{43}$/)
    assert.notEqual(query.get(name), two.searchParams.get(name))
  }
})

test('only the browser that began, with what the provider answered, comes in', async () => {
  const attempt = await begin()
  const back = await logInThere(attempt.address, 'umar')
  const other = await begin()
  for (const cookie of [
    '',
    other.cookie,
    `${attempt.cookie}; ${attempt.cookie}`,
    'holdfast-oidc=',
  ]) {
    const fresh = await begin()
    const returned = await logInThere(fresh.address, 'umar')
    refused(await callback(returned, cookie), 401, 'UNAUTHENTICATED')
    // The attempt is over with that.
    refused(await callback(returned, fresh.cookie), 401, 'UNAUTHENTICATED')
  }
  // Two cookies, one of which may be somebody else's.
  const doubled = await begin()
  const twice = `${doubled.cookie}; ${other.cookie}`
  const returned = await logInThere(doubled.address, 'umar')
  refused(await callback(returned, twice), 401, 'UNAUTHENTICATED')
  const foreign = new URL(back)
  foreign.searchParams.set('state', new URL(other.address).searchParams.get('state') ?? '')
  refused(await callback(foreign.href, other.cookie), 401, 'UNAUTHENTICATED')
  const good = codeOf(await callback(back, attempt.cookie))
  // Used twice, and the code of the provider with it.
  refused(await callback(back, attempt.cookie), 401, 'UNAUTHENTICATED')
  refused(await redeem(good, other.verifier), 401, 'UNAUTHENTICATED')
  refused(await redeem(good, attempt.verifier), 401, 'UNAUTHENTICATED')
  for (const change of [
    (url: URL) => url.searchParams.set('code', 'x'),
    (url: URL) => url.searchParams.delete('code'),
    (url: URL) => url.searchParams.set('iss', 'https://evil.example.org'),
    (url: URL) => url.searchParams.append('state', 'x'),
    (url: URL) => url.searchParams.set('error', 'access_denied'),
  ]) {
    const fresh = await begin()
    const url = new URL(await logInThere(fresh.address, 'umar'))
    change(url)
    refused(await callback(url.href, fresh.cookie), 401, 'UNAUTHENTICATED')
  }
  await server.running.context.audit.flush()
  const rows: Tree[] = (await server.ask('GET /api/v2/audit?action=finishOpenId')).json.items
  // The newest first: the log tells what was wrong, and the browser nothing.
  const [denied, doubledState] = rows.map(({ detail }) => detail.reason)
  assert.match(denied, /^authorization response from the server is an error.*access_denied$/)
  assert.match(doubledState, /"state" parameter must be provided only once/)
  refused(await callback(`${server.url}/api/v2/auth/oidc/callback`, ''), 401, 'UNAUTHENTICATED')
})

test('the cookie of a login is for the callback, and over TLS for that alone', async () => {
  const env = {
    STORAGE_PUBLIC_URL: 'https://example.org/files/',
    STORAGE_OIDC_ISSUER: issuer,
    STORAGE_OIDC_CLIENT_ID: 'holdfast',
    STORAGE_OIDC_CLIENT_SECRET: secret,
    STORAGE_OIDC_RETURN_URLS: page,
  }
  await using secure = await startServer({ env })
  const query = new URLSearchParams({ return_to: page, challenge: 'x'.repeat(43) })
  const answer = await secure.ask(`GET /api/v2/auth/oidc/login?${query}`, { key: null })
  const kind = /; Path=\/files\/api\/v2\/auth\/oidc; HttpOnly; SameSite=Lax; Secure$/
  assert.match(answer.headers['set-cookie']?.[0] ?? '', kind)
  const asked = new URL(answer.headers.location ?? '').searchParams
  assert.equal(asked.get('redirect_uri'), 'https://example.org/files/api/v2/auth/oidc/callback')
})

test('a HEAD begins no login and ends none', async () => {
  const query = new URLSearchParams({ return_to: page, challenge: 'x'.repeat(43) })
  const begun = await server.ask(`HEAD /api/v2/auth/oidc/login?${query}`, { key: null })
  assert.deepEqual([begun.status, begun.headers.allow], [405, 'GET'])
  assert.equal(begun.headers['set-cookie'], undefined)
  const attempt = await begin()
  const back = await logInThere(attempt.address, 'umar')
  const { pathname, search } = new URL(back)
  const headers = { cookie: attempt.cookie }
  const looked = await server.ask(`HEAD ${pathname}${search}`, { key: null, headers })
  assert.equal(looked.status, 405)
  codeOf(await callback(back, attempt.cookie))
})

test('the code goes to no other page than those of the settings', async () => {
  const challenge = 'x'.repeat(43)
  for (const to of [`${page}x`, 'https://evil.example/', `${page}?x=1`, '//evil', 'javascript:1']) {
    const query = new URLSearchParams({ return_to: to, challenge })
    const answer = await server.ask(`GET /api/v2/auth/oidc/login?${query}`, { key: null })
    refused(answer, 422, 'VALIDATION_ERROR')
  }
})

test('a code of another person is worth nothing without the verifier', async () => {
  const attempt = await begin()
  const back = await logInThere(attempt.address, 'olga')
  const code = codeOf(await callback(back, attempt.cookie))
  for (const verifier of ['x'.repeat(43), code, attempt.verifier.slice(1).padStart(43, 'y')]) {
    const again = await begin()
    const mine = codeOf(await callback(await logInThere(again.address, 'olga'), again.cookie))
    refused(await redeem(mine, verifier), 401, 'UNAUTHENTICATED')
  }
  assert.equal((await redeem(code, attempt.verifier)).status, 200)
  const log = server.logLines.join('\n')
  for (const hidden of [secret, code, attempt.verifier, attempt.cookie.slice(14)]) {
    assert.ok(!log.includes(hidden))
  }
})

test('without a provider there are no routes; with one that is down, they say so', async () => {
  await using plain = await startServer()
  const query = new URLSearchParams({ return_to: page, challenge: 'x'.repeat(43) })
  const line = `GET /api/v2/auth/oidc/login?${query}`
  const away = 'IDENTITY_UNAVAILABLE'
  refused(await plain.ask(line, { key: null }), 404, 'ROUTE_NOT_FOUND')
  const env = {
    STORAGE_PUBLIC_URL: 'http://127.0.0.1:1',
    STORAGE_OIDC_ISSUER: 'http://127.0.0.1:1',
    STORAGE_OIDC_CLIENT_ID: 'a',
    STORAGE_OIDC_CLIENT_SECRET: 'b',
    STORAGE_OIDC_RETURN_URLS: page,
  }
  await using lonely = await startServer({ env })
  refused(await lonely.ask(line, { key: null }), 503, away)
  // Who was away when somebody came back is the same error of the next step.
  await lonely.running.context.audit.flush()
  const [row] = (await lonely.ask('GET /api/v2/audit?action=beginOpenId')).json.items
  assert.deepEqual([row?.outcome, row?.code], ['failed', away])
  for (const name of Object.keys(env).filter(one => one !== 'STORAGE_OIDC_ISSUER')) {
    const { [name]: _, ...others }: Record<string, string> = env
    assert.throws(
      () => parseSettings({ env: others }),
      error => isHoldfastError(error) && JSON.stringify(error.details).includes(name),
    )
  }
  for (const bad of ['none', 'HS256', 'rs256']) {
    assert.throws(() => parseSettings({ env: { ...env, STORAGE_OIDC_ALGORITHM: bad } }))
  }
  for (const bad of ['http://idp.example.org', 'ftp://x', 'https://u:p@idp.example.org']) {
    assert.throws(() => parseSettings({ env: { ...env, STORAGE_OIDC_ISSUER: bad } }))
  }
})
