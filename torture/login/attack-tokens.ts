import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Lab } from '../access/open-lab.ts'
import { password } from '../access/people.ts'
import type { Tree } from '../access/wire.ts'
import type { Run } from '../runner/program.ts'
import { forgedTokens } from './forged-tokens.ts'

/** No forged token is taken, at the long way, the direct one and for a refresh; nobody is asked. */
export async function attackTokens(run: Run, lab: Lab): Promise<void> {
  let fetched = 0
  const sink = createServer((_, response) => {
    fetched += 1
    response.end('{"keys":[]}')
  })
  await new Promise<void>(resolve => sink.listen(0, '127.0.0.1', resolve))
  const { port } = sink.address() as AddressInfo
  const path = '/api/v2/buckets/holdfast/assets/open-to-nobody'
  await lab.must('PUT', path, Buffer.from('secret'))
  const user = { username: 'forged', password, roles: ['ADMIN'], must_change_password: false }
  await lab.must('POST', '/api/v2/users', user)
  const tokens = await lab.must('POST', '/api/v2/auth/login', { username: 'forged', password })
  const jwks = await lab.must('GET', '/api/v2/auth/jwks.json')
  const known = { access: tokens.access_token, refresh: tokens.refresh_token, jwks }
  for (const { what, token } of forgedTokens({ ...known, sink: `http://127.0.0.1:${port}` })) {
    run.count('forged tokens')
    for (const [way, status] of Object.entries(await statuses(lab, { path, token, what }))) {
      // A header that is too long for the server is refused before anybody reads it.
      if (status === 401 || status === 431) run.pass()
      else run.fail(`${what} at ${way}: ${status}`)
    }
  }
  if ((await statusAt(lab, path, tokens.access_token)) !== 200)
    run.fail('the good token was refused')
  if (fetched > 0) run.fail(`${fetched} requests went where a token pointed`)
  sink.closeAllConnections()
  sink.close()
}

async function statuses(
  lab: Lab,
  { path, token, what }: { readonly path: string; readonly token: string; readonly what: string },
): Promise<Record<string, number>> {
  const ways: Record<string, number> = {
    'who am I': await statusAt(lab, '/api/v2/auth/me', token),
    'a direct GET': await statusAt(lab, path, token),
    'an API key': (
      await lab.rest.ask({ method: 'GET', path, headers: { 'x-api-key': token.slice(0, 8000) } })
    ).status,
  }
  if (what !== 'a refresh token') {
    const body = Buffer.from(JSON.stringify({ refresh_token: token.slice(0, 8192) }))
    const headers = { 'content-type': 'application/json' }
    const asked = { method: 'POST', path: '/api/v2/auth/refresh', headers, body }
    const { status } = await lab.rest.ask(asked)
    // Nothing at all is no token, but a field that is missing.
    ways.refresh = token === '' && status === 422 ? 401 : status
  }
  return ways
}

async function statusAt(lab: Lab, path: string, token: Tree): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  return (await lab.rest.ask({ method: 'GET', path, headers })).status
}
