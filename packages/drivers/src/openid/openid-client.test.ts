import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import { type ErrorCode, isHoldfastError } from '@holdfast/core/errors.ts'
import { OpenIdFault } from '@holdfast/core/ports/openid.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { SignJWT, UnsecuredJWT } from 'jose'
import { OpenIdClient } from './openid-client.ts'

/** A provider that answers what a test wants, so also what no honest one would. */

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 })
const clientSecret = 'a secret of more than thirty-two characters'
const attempt = { state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) }
const query = `?code=c&state=${attempt.state}`
let idp: Server
let issuer = ''
let answer: { status?: number; body: object | string } = { body: {} }
let discovery: object = {}
let discovered = 0
let poured = 0

/** JSON that never ends, as fast as it is read. */
function pourOut(response: ServerResponse): void {
  const text = ' '.repeat(65_536)
  const pour = () => {
    while (!response.destroyed && response.write(text)) poured += text.length
    poured += text.length
  }
  response.on('drain', pour)
  response.write('{')
  pour()
}

before(async () => {
  idp = createServer((request, response) => {
    request.resume()
    const { pathname } = new URL(request.url ?? '', issuer)
    response.setHeader('content-type', 'application/json')
    if (pathname === '/silent') return
    if (pathname === '/ill') {
      response.writeHead(502).end('{}')
      return
    }
    if (pathname.startsWith('/endless/')) {
      pourOut(response)
      return
    }
    if (pathname === '/.well-known/openid-configuration') {
      discovered += 1
      response.end(JSON.stringify({ ...metadata(), ...discovery }))
    } else if (pathname === '/jwks') {
      // For any algorithm: which one counts is for the settings to say.
      const jwk = { ...keys.publicKey.export({ format: 'jwk' }), kid: 'op', use: 'sig' }
      response.end(JSON.stringify({ keys: [jwk] }))
    } else {
      response.statusCode = answer.status ?? 200
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
    }
  })
  await new Promise<void>(resolve => idp.listen(0, '127.0.0.1', resolve))
  const address = idp.address()
  assert.ok(typeof address === 'object' && address !== null)
  issuer = `http://127.0.0.1:${address.port}`
})
after(async () => {
  idp.closeAllConnections()
  await new Promise(resolve => idp.close(resolve))
})

function metadata() {
  return {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'PS256', 'none', 'HS256'],
  }
}

function open(path = '', clock = new FakeClock()): OpenIdClient {
  const callback = 'http://127.0.0.1:1/api/v2/auth/oidc/callback'
  const client = { clientId: 'holdfast', clientSecret, algorithm: 'RS256' } as const
  const options = { issuer: issuer + path, ...client, scopes: ['openid'], callback }
  return new OpenIdClient(options, clock)
}

const nowS = () => Math.floor(Date.now() / 1000)

function claimsOf(given: object) {
  const times = { iat: nowS(), exp: nowS() + 60 }
  return { iss: issuer, aud: 'holdfast', sub: 'u', nonce: attempt.nonce, ...times, ...given }
}

async function idToken(
  given: object = {},
  key: KeyObject | Uint8Array = keys.privateKey,
  header = {},
) {
  const told = Object.entries(claimsOf(given)).filter(([, value]) => value !== undefined)
  return await new SignJWT(Object.fromEntries(told))
    .setProtectedHeader({ alg: 'RS256', kid: 'op', ...header })
    .sign(key)
}

function answered(id_token: string | undefined): void {
  answer = { body: { access_token: 'a', token_type: 'Bearer', ...(id_token && { id_token }) } }
}

function refusedWith(code: ErrorCode) {
  return (error: unknown) => isHoldfastError(error) && error.code === code
}

test('the claims of a good ID token are told', async () => {
  answered(await idToken({ groups: ['a'] }))
  const claims = await open().finish(query, attempt)
  assert.deepEqual([Reflect.get(claims, 'sub'), Reflect.get(claims, 'groups')], ['u', ['a']])
})

test('O1 no other ID token is taken', async () => {
  const secretKey = new TextEncoder().encode(clientSecret)
  const bad: Record<string, string | undefined> = {
    'none at all': undefined,
    'no JWT': 'abc',
    'not signed': new UnsecuredJWT(claimsOf({})).encode(),
    'signed with the client secret': await idToken({}, secretKey, { alg: 'HS256' }),
    'another algorithm': await idToken({}, keys.privateKey, { alg: 'PS256' }),
    'another key': await idToken({}, foreign.privateKey),
    'an unknown key': await idToken({}, foreign.privateKey, { kid: 'other' }),
    'a key of its own': await idToken({}, foreign.privateKey, {
      jwk: foreign.publicKey.export({ format: 'jwk' }),
    }),
    'another issuer': await idToken({ iss: 'https://evil.example.org' }),
    'another audience': await idToken({ aud: 'other' }),
    'another party': await idToken({ aud: ['holdfast', 'other'], azp: 'other' }),
    'another party of ours alone': await idToken({ azp: 'other' }),
    'another nonce': await idToken({ nonce: 'x'.repeat(43) }),
    'no nonce': await idToken({ nonce: undefined }),
    expired: await idToken({ iat: nowS() - 120, exp: nowS() - 60 }),
    'not yet valid': await idToken({ nbf: nowS() + 3600 }),
    'no expiry': await idToken({ exp: undefined }),
    'no subject': await idToken({ sub: undefined }),
  }
  for (const [what, token] of Object.entries(bad)) {
    answered(token)
    await assert.rejects(open().finish(query, attempt), refusedWith('UNAUTHENTICATED'), what)
  }
})

test('O1 no other answer of the browser is taken', async () => {
  answered(await idToken())
  for (const other of [
    '',
    '?code=c',
    `?state=${attempt.state}`,
    `?code=c&state=x`,
    `?code=c&state=${attempt.state}&state=x`,
    `?code=c&state=${attempt.state}&iss=https://evil.example.org`,
    `?error=access_denied&state=${attempt.state}`,
    `?code=c&error=x&state=${attempt.state}`,
  ]) {
    await assert.rejects(open().finish(other, attempt), refusedWith('UNAUTHENTICATED'), other)
  }
})

test('O2 refusals and failures are told apart', async () => {
  answer = { status: 400, body: { error: 'invalid_grant' } }
  await assert.rejects(open().finish(query, attempt), refusedWith('UNAUTHENTICATED'))
  discovery = { token_endpoint: 'http://127.0.0.1:1/token' }
  await assert.rejects(open().finish(query, attempt), refusedWith('IDENTITY_UNAVAILABLE'))
  discovery = { token_endpoint: `${issuer}/silent` }
  await assert.rejects(open().finish(query, attempt), refusedWith('IDENTITY_UNAVAILABLE'))
  discovery = { issuer: 'https://evil.example.org' }
  const client = open()
  await assert.rejects(client.addressFor(attempt), refusedWith('IDENTITY_UNAVAILABLE'))
  // Asked again, when the provider is well.
  discovery = {}
  assert.ok((await client.addressFor(attempt)).startsWith(`${issuer}/auth?`))
})

/** What an operator reads, and whose fault it is. */
async function faultOf(login: Promise<unknown>): Promise<[string, string, boolean]> {
  const error = await login.then(
    () => assert.fail('it went well'),
    (thrown: unknown) => thrown,
  )
  assert.ok(isHoldfastError(error) && error.cause instanceof OpenIdFault)
  assert.equal(error.cause.cause, undefined, 'what the provider sent goes no further')
  return [error.code, error.cause.message, error.cause.isOfBrowser]
}

test('O2 a failure says why, without what was sent', async () => {
  const login = (asked = query) => faultOf(open().finish(asked, attempt))
  const [refused, unavailable] = ['UNAUTHENTICATED', 'IDENTITY_UNAVAILABLE']
  answered(await idToken({ aud: 'other-canary' }))
  const wrong =
    'unexpected JWT claim value encountered: unexpected JWT "aud" (audience) claim value'
  assert.deepEqual(await login(), [refused, wrong, false])
  answered(await idToken({}, foreign.privateKey, { kid: 'other-canary' }))
  assert.match((await login())[1], /^error when selecting a JWT verification key[^{]*$/)
  const told = 'server responded with an error in the response body'
  const description = 'canary'
  for (const [status, error, code, isOfBrowser] of [
    [400, 'invalid_grant', refused, true],
    [400, 'invalid_client', refused, false],
    [429, 'temporarily_unavailable', unavailable, false],
  ] as const) {
    answer = { status, body: { error, error_description: description } }
    assert.deepEqual(await login(), [
      code,
      `${told}: error ${error}: status ${status}`,
      isOfBrowser,
    ])
  }
  answer = { status: 400, body: { error: 'canary with a secret' } }
  assert.deepEqual(await login(), [refused, `${told}: status 400`, false])
  const ill = 'unexpected HTTP response status code: status'
  answer = { status: 503, body: { error: 'server_error' } }
  assert.deepEqual(await login(), [unavailable, `${ill} 503`, false])
  answered(await idToken())
  discovery = { jwks_uri: `${issuer}/ill` }
  assert.deepEqual(await login(), [unavailable, `${ill} 502`, false])
  discovery = {}
  answer = { body: '{"canary": ' }
  assert.ok(!(await login())[1].includes('canary'))
  const denied = `?error=access_denied&state=${attempt.state}`
  assert.deepEqual((await login(denied))[2], true)
})

test('O2 a document that leads nowhere is not kept', async () => {
  const client = open()
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri']) {
    for (const bad of [undefined, 7, '', 'no address', '/auth', 'javascript:1', 'data:,x']) {
      discovery = { [name]: bad }
      const begun = client.addressFor(attempt)
      await assert.rejects(begun, refusedWith('IDENTITY_UNAVAILABLE'), `${name}: ${bad}`)
    }
  }
  discovery = {}
  assert.ok((await client.addressFor(attempt)).startsWith(`${issuer}/auth?`))
})

test('endpoints that move are found, and a good document outlives a broken one', async () => {
  const clock = new FakeClock()
  const client = open('', clock)
  const base = async () => (await client.addressFor(attempt)).split('?')[0]
  assert.equal(await base(), `${issuer}/auth`)
  discovery = { authorization_endpoint: `${issuer}/moved` }
  const before = discovered
  assert.equal(await base(), `${issuer}/auth`)
  assert.equal(discovered, before)
  await clock.advance(10 * 60_000)
  // Whoever comes meanwhile waits for the same answer.
  assert.deepEqual(await Promise.all([base(), base()]), [`${issuer}/moved`, `${issuer}/moved`])
  assert.equal(discovered, before + 1)
  discovery = { authorization_endpoint: undefined }
  await clock.advance(10 * 60_000)
  assert.deepEqual([await base(), await base()], [`${issuer}/moved`, `${issuer}/moved`])
  assert.equal(discovered, before + 2)
  discovery = {}
  await clock.advance(60_000)
  assert.equal(await base(), `${issuer}/auth`)
})

test('an answer without an end is not read to it, whichever one it is', async () => {
  const BYTES_MAX = 100 * 1024 * 1024
  poured = 0
  await assert.rejects(open('/endless').addressFor(attempt), refusedWith('IDENTITY_UNAVAILABLE'))
  answered(await idToken())
  for (const endless of [
    { token_endpoint: `${issuer}/endless/token` },
    { jwks_uri: `${issuer}/endless/jwks` },
  ]) {
    discovery = endless
    await assert.rejects(open().finish(query, attempt), refusedWith('UNAUTHENTICATED'))
  }
  discovery = {}
  // What lay in buffers on the way, and no more.
  assert.ok(poured < BYTES_MAX, `${poured}`)
})
