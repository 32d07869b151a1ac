import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { openLab } from '../access/open-lab.ts'
import type { Tree } from '../access/wire.ts'
import type { Run } from '../runner/program.ts'
import { type Given, givenOf, lookAtOutputs, outsideSecrets, post } from './spill.ts'

const page = 'http://127.0.0.1:1/console/'

/**
 * A store that asks a directory, a provider and a Redis, all of them one server that breaks off
 * what it does not know and answers the rest with all that it was sent.
 */
export async function spillOutside(run: Run): Promise<void> {
  let echoed = 0
  const server = createServer((request, response) => {
    echo(request, response).then(
      told => {
        if (told) echoed += 1
      },
      () => response.destroy(),
    )
  })
  server.on('clientError', (_, socket) => socket.destroy())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  try {
    const env = environmentOf(address.port)
    await using lab = await openLab(join(run.scratch, 'outside'), { env })
    const given = givenOf(run, lab)
    for (const [name, secret] of Object.entries(outsideSecrets))
      given.canaries.add({ name, secret })
    await askThem(given)
    if (echoed === 0) run.fail('the provider never got the secret of the client')
    await lookAtOutputs(given)
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}

function environmentOf(port: number): Record<string, string> {
  const issuers = [
    {
      ...{ issuer: 'gateway', audience: 'holdfast', algorithm: 'HS256' },
      ...{ secret: outsideSecrets['issuer secret'], always: ['USER'] },
    },
  ]
  return {
    STORAGE_LOG_LEVEL: 'trace',
    STORAGE_DEBUG: 'on',
    STORAGE_RATE_LIMIT_ADDRESS: '100000/1m',
    STORAGE_PUBLIC_URL: 'http://127.0.0.1:1',
    STORAGE_LDAP_SERVER: `ldap://127.0.0.1:${port}`,
    STORAGE_LDAP_BASE_DN: 'dc=holdfast,dc=local',
    STORAGE_LDAP_BIND_DN: 'cn=reader,dc=holdfast,dc=local',
    STORAGE_LDAP_BIND_PASSWORD: outsideSecrets['LDAP password'],
    STORAGE_OIDC_ISSUER: `http://127.0.0.1:${port}`,
    STORAGE_OIDC_CLIENT_ID: 'holdfast',
    STORAGE_OIDC_CLIENT_SECRET: outsideSecrets['OIDC secret'],
    STORAGE_OIDC_RETURN_URLS: page,
    STORAGE_EXTERNAL_ISSUERS: JSON.stringify(issuers),
    STORAGE_REDIS_URL: `redis://holdfast:${outsideSecrets['Redis password']}@127.0.0.1:${port}/0`,
  }
}

/** Every way to make the server use them, and fail. */
async function askThem({ canaries, ask }: Given): Promise<void> {
  const secrets = Object.values(outsideSecrets)
  for (const password of ['Nobody-Password-1!', ...secrets]) {
    await ask(post('/api/v2/auth/login', { username: 'nobody', password }))
  }
  const key = new TextEncoder().encode(outsideSecrets['issuer secret'])
  const token = await new SignJWT({ sub: 'g-1' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('gateway')
    .setAudience('holdfast')
    .setExpirationTime('5m')
    .sign(key)
  canaries.add({ name: 'token of an issuer', secret: token.split('.')[2] ?? '' })
  for (const one of [token, `${token}x`, ...secrets]) {
    const headers = { authorization: `Bearer ${one}` }
    await ask({ method: 'GET', path: '/api/v2/auth/me', headers })
    await ask({ method: 'GET', path: '/api/v2/users', headers })
  }
  const verifier = 'v'.repeat(43)
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const query = new URLSearchParams({ return_to: page, challenge })
  const begun = await ask({ method: 'GET', path: `/api/v2/auth/oidc/login?${query}` })
  const state = new URL(begun.headers.location ?? page).searchParams.get('state') ?? ''
  const cookie = (begun.headers['set-cookie'] ?? '').split(';')[0] ?? ''
  const back = new URLSearchParams({ code: 'Code-Canary-5', state })
  const path = `/api/v2/auth/oidc/callback?${back}`
  await ask({ method: 'GET', path, headers: { cookie } })
  const wrong = { code: outsideSecrets['OIDC secret'], verifier }
  await ask(post('/api/v2/auth/oidc/token', wrong))
}

/** True where it held the secret of the client. */
async function echo(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const issuer = `http://${request.headers.host}`
  response.setHeader('content-type', 'application/json')
  if (request.url?.startsWith('/.well-known/') === true) {
    const metadata: Tree = {
      ...{ issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token` },
      ...{ jwks_uri: `${issuer}/jwks`, response_types_supported: ['code'] },
      ...{ subject_types_supported: ['public'] },
      ...{ id_token_signing_alg_values_supported: ['RS256'] },
    }
    response.end(JSON.stringify(metadata))
    return false
  }
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  const sent = `${JSON.stringify(request.headers)} ${Buffer.concat(chunks)}`
  const [, basic = ''] = /"authorization":"Basic ([^"]+)"/.exec(sent) ?? []
  // RFC 6749 §2.3.1 has name and secret encoded before they are joined.
  const clear = decodeURIComponent(Buffer.from(basic, 'base64').toString())
  response.statusCode = 400
  const told = `${sent} ${clear}`
  response.end(JSON.stringify({ error: 'invalid_client', error_description: told }))
  return told.includes(outsideSecrets['OIDC secret'])
}
