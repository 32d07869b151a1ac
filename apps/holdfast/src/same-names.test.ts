import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import test from 'node:test'
import { adminKey, scratch, startServer, succeeded } from './running-program.test.ts'

const secret = 'a-secret-of-the-gateway-in-this-test'
const password = 'First-Quince-71!'

test('nobody is taken for somebody else by a name of their own choice', async t => {
  const issuer = { issuer: 'gateway', audience: 'holdfast', algorithm: 'HS256', secret }
  const server = await startServer(t, join(scratch(t), 'data'), {
    env: {
      STORAGE_INITIAL_ADMIN_USERNAME: 'chief',
      STORAGE_INITIAL_ADMIN_PASSWORD: 'First-Password-1',
      STORAGE_EXTERNAL_ISSUERS: JSON.stringify([{ ...issuer, always: ['USER'] }]),
    },
  })
  const token = signed({ sub: 'eve', preferred_username: 'Chief' })
  const headers = { authorization: `Bearer ${token}` }
  const me = await (await fetch(`${server.url}/api/v2/auth/me`, { headers })).text()
  assert.match(me, /"Chief"/)
  const asked = await server.holdfast('users', 'deactivate', 'chief')
  assert.equal(asked.code, 2, asked.stdout)
  assert.match(asked.stderr, /more than one user.*\(local\)/)
})

test('nothing is taken for what has its name as an id', async t => {
  const server = await startServer(t, join(scratch(t), 'data'))
  const ask = async (method: string, path: string, body?: string) => {
    const headers = { 'x-api-key': adminKey, 'content-type': 'application/json' }
    const init = { method, headers, ...(body === undefined ? {} : { body }) }
    const answer = await fetch(`${server.url}/api/v2/${path}`, init)
    assert.ok(answer.ok, `${path} ${answer.status}`)
    return method === 'DELETE' ? undefined : await answer.json()
  }
  const make = async (what: string, fields: object) =>
    await ask('POST', what, JSON.stringify(fields))
  const put = async (key: string) => await ask('PUT', `buckets/holdfast/assets/${key}`, 'x')
  const refused = async (...args: string[]) => {
    const { code, stderr } = await server.holdfast(...args)
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    assert.match(stderr, /more than one/)
  }

  const bob = await make('users', { username: 'bob', password })
  await make('users', { username: bob.id.toUpperCase(), password })
  await refused('users', 'deactivate', bob.id)
  const lone = '0123abcd-0000-7000-8000-0123456789ab'
  const mallory = await make('users', { username: lone, password })
  const out = await server.holdfast('users', 'deactivate', mallory.id)
  assert.equal(succeeded(out).stdout, `${lone}: INACTIVE\n`)

  const worker = await make('service-accounts', { name: 'worker', roles: ['USER'] })
  await make('service-accounts', { name: worker.id })
  await refused('accounts', 'suspend', worker.id)

  // Ids that no user has any more, or never had, are not taken by whoever is called so.
  const crew = await make('groups', { name: 'crew' })
  await make('users', { username: crew.id, password })
  await make('users', { username: worker.id.toUpperCase(), password })
  const isId = async (...args: string[]) => {
    const { code, stderr } = await server.holdfast(...args)
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    assert.match(stderr, /is an id, but .* is only called so/)
  }
  const listed = await put('list.txt')
  const { id: account } = worker
  const run = async (...args: string[]) => succeeded(await server.holdfast(...args))
  for (const id of [lone, crew.id]) {
    await run('acl', 'list.txt', '--read', id)
    assert.deepEqual((await ask('GET', `assets/${listed.id}`)).acl.read, [id])
  }
  const grant = ['grants', 'add', crew.id, 'holdfast', '--permission', 'assets:read', '--json']
  assert.equal(JSON.parse((await run(...grant)).stdout).principal_id, crew.id)
  await run('buckets', 'set', 'holdfast', '--owner', account)
  assert.equal((await ask('GET', 'buckets/holdfast')).owner_id, account)
  await run('quotas', 'set', '--of-owner', account, '--bytes', '1000000')
  await isId('users', 'deactivate', account)
  await isId('groups', 'set', 'crew', '--add', account)
  await make('groups', { name: bob.id })
  await isId('groups', 'remove', bob.id)

  const { id } = await put('one.txt')
  await put(id)
  await refused('rm', id)
  for (const key of ['one.txt', id]) await ask('DELETE', `buckets/holdfast/assets/${key}`)
  await refused('restore', id)
  succeeded(await server.holdfast('restore', 'one.txt'))
})

function signed(claims: object): string {
  const now = Math.floor(Date.now() / 1000)
  const payload = { ...claims, iss: 'gateway', aud: 'holdfast', iat: now, exp: now + 600 }
  const text = [{ alg: 'HS256', typ: 'JWT' }, payload]
    .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
