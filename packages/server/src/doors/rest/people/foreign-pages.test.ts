import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refused, startServer } from '../../../started-server.test.ts'

/** What a page of somebody else makes browsers send uses up nothing of the network they are in. */

const root = { username: 'root', password: 'Chief-Password-2026' }
const page = 'http://127.0.0.1:1/console/'

async function start() {
  return await startServer({
    env: {
      STORAGE_INITIAL_ADMIN_USERNAME: root.username,
      STORAGE_INITIAL_ADMIN_PASSWORD: root.password,
      STORAGE_PUBLIC_URL: 'http://127.0.0.1:1',
      STORAGE_OIDC_ISSUER: 'http://127.0.0.1:1',
      STORAGE_OIDC_CLIENT_ID: 'a',
      STORAGE_OIDC_CLIENT_SECRET: 'b',
      STORAGE_OIDC_RETURN_URLS: page,
    },
  })
}

test('ways back from the provider that nobody set out on keep nobody from logging in', async () => {
  await using server = await start()
  for (let n = 0; n < 40; n += 1) {
    const answer = await server.ask(`GET /api/v2/auth/oidc/callback?state=${n}`, { key: null })
    refused(answer, 401, 'UNAUTHENTICATED')
  }
  const answer = await server.ask('POST /api/v2/auth/login', { key: null, json: root })
  assert.equal(answer.status, 200, answer.text)
})

test('forms of other pages are refused before they count as guesses', async () => {
  await using server = await start()
  const send = async (headers: Record<string, string>) =>
    await server.ask('POST /api/v2/auth/token', {
      key: null,
      body: 'grant_type=client_credentials&client_id=x&client_secret=y',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    })
  for (let n = 0; n < 40; n += 1) {
    const origin = n % 2 === 0 ? 'https://evil.example' : 'null'
    refused(await send({ origin }), 403, 'FORBIDDEN')
  }
  refused(await send({ origin: server.url }), 401, 'UNAUTHENTICATED')
  refused(await send({}), 401, 'UNAUTHENTICATED')
  const answer = await server.ask('POST /api/v2/auth/login', { key: null, json: root })
  assert.equal(answer.status, 200, answer.text)
})

test('a login at the provider begins in a window, not in what another page holds', async () => {
  await using server = await start()
  const query = new URLSearchParams({ return_to: page, challenge: 'x'.repeat(43) })
  const begin = async (dest: string) =>
    await server.ask(`GET /api/v2/auth/oidc/login?${query}`, {
      key: null,
      headers: { 'sec-fetch-dest': dest },
    })
  for (let n = 0; n < 210; n += 1) {
    refused(await begin(n % 2 === 0 ? 'image' : 'iframe'), 403, 'FORBIDDEN')
  }
  // It went on, to a provider that is not there.
  refused(await begin('document'), 503, 'IDENTITY_UNAVAILABLE')
})
