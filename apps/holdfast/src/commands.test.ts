import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { run, scratch, startServer, succeeded } from './running-program.test.ts'

const lines = (text: string) => text.split('\n').filter(line => line !== '')

test('the whole life of some files, told by the commands', async t => {
  const dir = scratch(t)
  const tree = join(dir, 'tree')
  mkdirSync(join(tree, 'notes'), { recursive: true })
  for (const name of ['a.txt', 'notes/b.md', 'notes/c.md']) writeFileSync(join(tree, name), name)
  const server = await startServer(t, join(dir, 'data'))
  const { holdfast } = server
  succeeded(await holdfast('put', tree, '--prefix', 'docs', '--tag', 'red', '--tag', 'blue'))

  assert.deepEqual(lines((await holdfast('ls')).stdout), ['docs/'])
  assert.deepEqual(lines((await holdfast('ls', 'docs/')).stdout), ['docs/a.txt', 'docs/notes/'])
  const long = lines((await holdfast('ls', '-lr', 'docs/notes/')).stdout)
  assert.match(
    long[0] ?? '',
    /^ +10 B {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}v1 +document docs\/notes\/b\.md$/,
  )

  const asset = JSON.parse(succeeded(await holdfast('stat', 'docs/a.txt', '--json')).stdout)
  assert.equal(asset.content_type, 'text/plain')
  assert.deepEqual(asset.tags.sort(), ['blue', 'red'])
  assert.match((await holdfast('stat', asset.id)).stdout, /^key +docs\/a\.txt$/m)
  assert.match((await holdfast('stat', 'docs/a.txt', '--versions')).stdout, /^ +1 {2}current/m)

  const found = succeeded(await holdfast('search', 'notes', '--tag', 'red', '--json')).stdout
  assert.equal(lines(found).length, 2)
  assert.match((await holdfast('search', 'notes', '-n', '1')).stderr, /2 assets match, 1 shown/)

  succeeded(await holdfast('rm', 'docs/a.txt'))
  assert.equal((await holdfast('stat', 'docs/a.txt')).code, 1)
  succeeded(await holdfast('restore', 'docs/a.txt'))
  assert.equal(JSON.parse((await holdfast('stat', 'docs/a.txt', '--json')).stdout).id, asset.id)

  assert.equal((await holdfast('rm', '-r', 'docs/notes/')).stdout, 'Deleted 2 assets, 0 failed.\n')
  assert.equal((await holdfast('rm', '-r', 'docs/notes/')).code, 1)
  assert.equal((await holdfast('restore', '-r', 'docs/')).stdout, 'Restored 2 assets, 0 failed.\n')
  succeeded(await holdfast('rm', 'docs/notes/b.md'))
  const hard = JSON.parse(succeeded(await holdfast('rm', '-r', '--hard', 'docs/', '--json')).stdout)
  assert.deepEqual([hard.removed, hard.failed], [3, 0])
  assert.equal(succeeded(await holdfast('search', '--deleted')).stdout, '')
  assert.equal((await holdfast('restore', 'docs/a.txt')).code, 1)
})

test('links work without a key', async t => {
  const dir = scratch(t)
  writeFileSync(join(dir, 'a.txt'), 'hello')
  const { holdfast } = await startServer(t, join(dir, 'data'))
  succeeded(await holdfast('put', join(dir, 'a.txt')))
  const url = succeeded(await holdfast('link', 'a.txt', '--expires', '5m')).stdout.trim()
  assert.equal(await (await fetch(url)).text(), 'hello')
  const options = ['--upload', '--size-max', '1k', '--content-type', 'text/plain', '--json']
  const link = JSON.parse(succeeded(await holdfast('link', 'up/b.txt', ...options)).stdout)
  const { status } = await fetch(link.url, { method: 'PUT', headers: link.headers, body: 'up' })
  assert.equal(status, 201)
  assert.equal((await holdfast('get', 'up/b.txt', '-')).stdout, 'up')
})

test('shares are made, listed, used and revoked', async t => {
  const dir = scratch(t)
  writeFileSync(join(dir, 'a.txt'), 'hello')
  const { holdfast } = await startServer(t, join(dir, 'data'))
  succeeded(await holdfast('put', join(dir, 'a.txt'), '--prefix', 'press'))
  const once = succeeded(await holdfast('share', 'create', 'press/a.txt', '--uses', '1'))
  const url = once.stdout.trim()
  assert.equal(await (await fetch(url)).text(), 'hello')
  assert.equal((await fetch(url)).status, 404)
  const terms = ['--prefix', '--expires', '2h', '--note', 'press kit', '--json']
  const part = JSON.parse(succeeded(await holdfast('share', 'create', 'press/', ...terms)).stdout)
  assert.equal(await (await fetch(`${part.url}/a.txt`)).text(), 'hello')
  const listed = lines(succeeded(await holdfast('share', 'list')).stdout)
  assert.match(listed[1] ?? '', /used_up .* 1\/1 /)
  assert.match(listed[2] ?? '', /live +holdfast\/press\/ +1 .* press kit$/)
  succeeded(await holdfast('share', 'revoke', part.id))
  assert.equal((await fetch(`${part.url}/a.txt`)).status, 404)
  assert.match((await holdfast('share', 'create', 'none.txt')).stderr, /ASSET_NOT_FOUND/)
  assert.equal((await holdfast('share', 'create', 'press/a.txt', '--expires', '5s')).code, 2)
})

test('buckets and keys are made, changed, used and gone', async t => {
  const dir = scratch(t)
  const { holdfast, url } = await startServer(t, join(dir, 'data'))
  succeeded(
    await holdfast('buckets', 'create', 'pics', '--public-read', 'on', '--size-max', '1MiB'),
  )
  const bucket = JSON.parse((await holdfast('buckets', 'show', 'pics', '--json')).stdout)
  assert.deepEqual([bucket.public_read, bucket.asset_bytes_max], [true, 1_048_576])
  const set = ['buckets', 'set', 'pics', '--public-read', 'off', '--size-max', 'none', '--json']
  const changed = JSON.parse(succeeded(await holdfast(...set)).stdout)
  assert.deepEqual([changed.public_read, changed.asset_bytes_max], [false, null])
  assert.match((await holdfast('buckets')).stdout, /^pics +0 +0 B {2}enabled +private$/m)

  const create = ['keys', 'create', '-p', 'assets:read', '--on-bucket', 'pics', 'reader']
  const made = succeeded(await holdfast(...create))
  const env = { HOLDFAST_URL: url, HOLDFAST_API_KEY: made.stdout.trim(), HOLDFAST_BUCKET: 'pics' }
  succeeded(await run(['ls'], { env }))
  const refused = await run(['put', '/etc/hostname'], { env })
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /FORBIDDEN, status 403, request /)
  const id = /its id is (\S+)/.exec(made.stderr)?.[1] ?? ''
  succeeded(await holdfast('keys', 'revoke', id))
  assert.match((await run(['ls'], { env })).stderr, /UNAUTHENTICATED/)
  const revoked = /reader +hf_\S+… +revoked +\d{4}-\S+ \S+ +assets:read +pics/
  assert.match((await holdfast('keys')).stdout, revoked)
  const s3 = ['keys', 's3', 'create', '-p', 'assets:read', '--on-bucket', 'pics', 'camera']
  const [keyId = '', keySecret = ''] = lines(succeeded(await holdfast(...s3)).stdout)
  assert.match(`${keyId} ${keySecret}`, /^HFK[A-Z2-7]{17} [\w+/-]{40}$/)
  succeeded(await holdfast('keys', 's3', 'revoke', keyId))
  const listed = succeeded(await holdfast('keys', 's3')).stdout
  assert.match(listed, /HFK\w+ +camera +itself +revoked +assets:read +pics/)
  assert.ok(!listed.includes(keySecret))
  assert.equal((await holdfast('keys', 's3', 'create', 'nothing')).code, 1)
  succeeded(await holdfast('buckets', 'remove', 'pics'))
  assert.doesNotMatch((await holdfast('buckets')).stdout, /pics/)
})

test('without a key the first refusal ends a put, with advice', async t => {
  const dir = scratch(t)
  const tree = join(dir, 'tree')
  mkdirSync(tree)
  for (let i = 0; i < 100; i += 1) writeFileSync(join(tree, `${i}`), `${i}`)
  const server = await startServer(t, join(dir, 'data'))
  const { code, stderr } = await run(['put', tree], { env: { HOLDFAST_URL: server.url } })
  assert.equal(code, 1)
  const [first, ...more] = stderr.trimEnd().split('; set HOLDFAST_API_KEY or give --key')
  assert.match(first ?? '', /^holdfast: A valid credential is needed: no key .+UNAUTHENTICATED/)
  assert.deepEqual(more, [' (holdfast login NAME prints a token)'])
})

test('a service account gets tokens, a next secret, and is shut out', async t => {
  const dir = scratch(t)
  const { holdfast, url } = await startServer(t, join(dir, 'data'))
  const create = ['accounts', 'create', 'runner', '-r', 'readonly', '-p', 'assets:write']
  const [clientId = '', first = ''] = lines(succeeded(await holdfast(...create)).stdout)
  const token = async (secret: string, ...more: string[]) =>
    await run(['accounts', 'token', clientId, ...more], {
      env: { HOLDFAST_URL: url, HOLDFAST_CLIENT_SECRET: secret },
    })
  const as = async (key: string, ...args: string[]) =>
    await run(args, { env: { HOLDFAST_URL: url, HOLDFAST_API_KEY: key } })
  const key = succeeded(await token(first)).stdout.trim()
  assert.match((await as(key, 'whoami')).stdout, new RegExp(`^service_account ${clientId} `))
  const narrow = succeeded(await token(first, '--scope', 'assets:read')).stdout.trim()
  writeFileSync(join(dir, 'a.txt'), 'x')
  assert.match((await as(narrow, 'put', join(dir, 'a.txt'))).stderr, /FORBIDDEN/)
  succeeded(await as(key, 'put', join(dir, 'a.txt')))
  const rotate = ['accounts', 'rotate', 'runner', '--overlap', '0s']
  const next = succeeded(await holdfast(...rotate)).stdout.trim()
  assert.match((await token(first)).stderr, /UNAUTHENTICATED/)
  succeeded(await token(next))
  assert.match(
    (await holdfast('accounts')).stdout,
    /ACTIVE +READONLY assets:write +default +hfc_\S+…/,
  )
  assert.match((await holdfast('accounts', 'limit', 'runner', '7')).stdout, /: 7\/min$/m)
  assert.equal((await holdfast('accounts', 'limit', 'runner', '1.5')).code, 2)
  const free = ['accounts', 'create', 'free', '--rate-limit', '0', '--json']
  assert.equal(JSON.parse(succeeded(await holdfast(...free)).stdout).rate_limit, 0)
  assert.match((await holdfast('accounts')).stdout, /READONLY assets:write +7\/min/)
  assert.match((await holdfast('accounts', 'limit', 'free', 'default')).stdout, /: default$/m)
  assert.match((await holdfast('accounts', 'suspend', clientId)).stdout, /SUSPENDED/)
  assert.match((await token(next)).stderr, /ACCOUNT_DISABLED/)
  succeeded(await holdfast('accounts', 'remove', 'runner'))
  assert.equal((await holdfast('accounts', 'remove', 'runner')).code, 2)
})

test('people are made, log in and work with their own files', async t => {
  const dir = scratch(t)
  const server = await startServer(t, join(dir, 'data'), {
    env: {
      STORAGE_INITIAL_ADMIN_USERNAME: 'chief',
      STORAGE_INITIAL_ADMIN_PASSWORD: 'First-Password-1',
    },
  })
  const as = async (key: string, args: string[], env: Record<string, string> = {}) =>
    await run(args, { env: { HOLDFAST_URL: server.url, HOLDFAST_API_KEY: key, ...env } })
  const login = async (name: string, password: string) =>
    await as('', ['login', name], { HOLDFAST_PASSWORD: password })
  const chief = succeeded(await login('chief', 'First-Password-1')).stdout.trim()
  const made = await as(chief, ['users', 'create', 'ann', '-r', 'user'], {
    HOLDFAST_NEW_PASSWORD: 'Second-Password-2',
  })
  const id = succeeded(made).stdout.trim()
  assert.match((await login('ann', 'Second-Password-2')).stderr, /password must be changed/)
  const change = { username: 'ann', password: 'Second-Password-2', new_password: 'Third-Secret-3' }
  const { status } = await fetch(`${server.url}/api/v2/auth/password`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(change),
  })
  assert.equal(status, 204)
  const ann = succeeded(await login('ann', 'Third-Secret-3')).stdout.trim()
  assert.match(succeeded(await as(ann, ['whoami'])).stdout, new RegExp(`^user ann ${id}$`, 'm'))
  writeFileSync(join(dir, 'a.txt'), 'hers')
  succeeded(await as(ann, ['put', join(dir, 'a.txt')]))
  assert.deepEqual(lines((await as(ann, ['ls'])).stdout), ['a.txt'])
  assert.match(succeeded(await as(chief, ['users'])).stdout, /ann .*ACTIVE/)
  assert.match(succeeded(await as(chief, ['sessions', '--user', 'ann'])).stdout, /127\.0\.0\.1/)
  assert.equal((await as(ann, ['sessions', '--user', 'chief'])).code, 1)
  assert.match(succeeded(await as(ann, ['sessions'])).stdout, /^\S+ \* +127/m)
  assert.match((await as(ann, ['sessions', 'end-all', '--keep-current'])).stdout, /^0 sessions/)
  succeeded(await as(chief, ['users', 'deactivate', 'ann']))
  assert.equal((await as(ann, ['ls'])).code, 1)
  succeeded(await as(chief, ['logout']))
  assert.equal((await as(chief, ['users'])).code, 1)
})
