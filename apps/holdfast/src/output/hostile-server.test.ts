import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import test from 'node:test'
import { run } from '../running-program.test.ts'

const BAD = 'a\x1b]0;owned\x07\u009b2J\u202e\u2028\nholdfast: forged'

/** All that the commands tell. */
const ANSWER = {
  ...{ id: BAD, name: BAD, kind: BAD, username: BAD, status: BAD, key: BAD, url: BAD },
  ...{ access_token: BAD, refresh_token: BAD, client_id: BAD, client_secret: BAD },
  ...{ secret: BAD, otpauth_uri: BAD, recovery_codes: [BAD], roles: [BAD], expires_in: 60 },
  ...{ permissions: [BAD], own_permissions: [BAD], buckets: [BAD], headers: { [BAD]: BAD } },
  ...{ rows: 1, dropped: 0, head: BAD, findings: [BAD], more: false },
  ...{ problems: [BAD], unproven: [BAD], acknowledged: [BAD] },
  ...{ expires_at: '2026-01-01T00:00:00.000Z', created_at: '2026-01-01T00:00:00.000Z' },
}
const REFUSAL = { code: BAD, message: BAD, details: { errors: [BAD, { path: BAD, problem: BAD }] } }

const commands = [
  ['whoami'],
  ['login', 'ann'],
  ['keys', 'create', 'ci', '-p', 'assets:view'],
  ['accounts', 'create', 'ci'],
  ['accounts', 'token', 'ci'],
  ['users', 'create', 'ann'],
  ['users', 'set', 'ann', '--role', 'USER'],
  ['second-factor', 'on', 'ann'],
  ['audit', 'verify'],
  ['audit', 'acknowledge', '--reason', 'looked'],
]

test('whatever a server answers, a terminal obeys nothing and no line is forged', async t => {
  const state = { status: 200, body: '' }
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(state.status, { 'content-type': 'application/json' }).end(state.body)
    })
  })
  t.after(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const env = {
    HOLDFAST_URL: `http://127.0.0.1:${address.port}`,
    ...{ HOLDFAST_API_KEY: 'k', HOLDFAST_PASSWORD: 'p', HOLDFAST_NEW_PASSWORD: 'n' },
    ...{ HOLDFAST_CLIENT_SECRET: 's', HOLDFAST_CODE: '123456' },
  }
  const good = {
    status: 200,
    body: JSON.stringify({ ...ANSWER, items: [{ ...ANSWER, username: 'ann' }], total: 1 }),
  }
  const refusal = { status: 400, body: JSON.stringify(REFUSAL) }
  const runs = [
    ...commands.flatMap(args => [[...args], ['--json', ...args]].map(all => [good, all] as const)),
    ...[['whoami'], ['--debug', 'whoami'], ['audit', 'verify']].map(all => [refusal, all] as const),
  ]
  const missed: string[][] = []
  for (const [answer, args] of runs) {
    Object.assign(state, answer)
    const { stdout, stderr } = await run(args, { env })
    const text = stdout + stderr
    if (!/owned/.test(text)) missed.push([args.join(' '), text])
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, `${args}`)
    assert.doesNotMatch(text, /^holdfast: forged/m, `${args}`)
  }
  assert.deepEqual(missed, [])
})
