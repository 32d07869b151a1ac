import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { adminKey, run, scratch, startServer, succeeded } from './running-program.test.ts'

const password = 'First-Quince-71!'

test('rights are given, explained and taken back by commands alone', async t => {
  const dir = scratch(t)
  const server = await startServer(t, join(dir, 'data'))
  const as = async (words: string, env: Record<string, string> = {}) =>
    await run(words.split(' '), { env: { HOLDFAST_URL: server.url, ...env } })
  const admin = { HOLDFAST_API_KEY: adminKey, HOLDFAST_NEW_PASSWORD: password }
  const done = async (words: string) => succeeded(await as(words, admin)).stdout.trim()
  const [ann, bob] = [await done('users create ann -r USER'), await done('users create bob')]
  assert.match(await done('users show ann'), /^roles +USER$/m)

  const file = join(dir, 'k.txt')
  writeFileSync(file, 'x')
  await done(`put ${file}`)
  const reads = 'explain assets:read k.txt --for bob'
  const before = await as(reads, admin)
  assert.deepEqual([before.code, before.stdout], [1, 'bob may not: no scope grants it\n'])
  await done('groups create readers --member ann')
  assert.equal(await done('groups set readers --add bob --drop ann'), 'readers: 1 members')
  const grant = await done('grants add readers holdfast -p assets:read --prefix k')
  assert.equal(await done(reads), 'bob may: granted for holdfast/k')
  await done(`grants remove ${grant}`)
  await done('groups remove readers')

  assert.equal(await done('acl k.txt --read bob'), `read: ${bob}\nwrite: nobody else`)
  assert.equal(await done(reads), 'bob may: named in the access list of the asset')
  assert.equal(await done('acl k.txt --write ann'), `read: ${bob}\nwrite: ${ann}`)
  assert.equal(await done('acl k.txt --read ann'), `read: ${ann}\nwrite: ${ann}`)
  assert.equal(await done('acl k.txt --read='), `read: nobody else\nwrite: ${ann}`)
  assert.equal(await done('acl k.txt --off'), 'k.txt: no list')

  const quota = await done('quotas set --of-owner ann --bytes 1KiB')
  assert.match(quota, new RegExp(`owner +${ann} +0 B of 1.0 KiB +0 of any`))
  const limiter = { HOLDFAST_API_KEY: await done('keys create limits -p quotas:admin') }
  const shown = succeeded(await as(`quotas show --of-owner ${ann}`, limiter)).stdout
  assert.equal(shown.trim(), quota)
  const named = await as('quotas show --of-owner ann', limiter)
  assert.deepEqual([named.code, /takes admin:users/.test(named.stderr)], [2, true])
  await done('quotas remove --of-owner ann')
  assert.match(await done('quotas show --of-bucket holdfast'), /1 B of any +1 of any/)

  assert.match(await done('buckets set holdfast --owner ann'), new RegExp(`owner_id +${ann}`))
  assert.match(await done('buckets set holdfast --owner none'), /owner_id +none/)

  const env = { ...admin, HOLDFAST_PASSWORD: password, HOLDFAST_NEW_PASSWORD: `${password}2` }
  succeeded(await as('password change ann', env))
  const login = await as('login ann', { HOLDFAST_PASSWORD: `${password}2` })
  const token = succeeded(login).stdout.trim()
  const good = await as('validate', { ...admin, HOLDFAST_TOKEN: token })
  assert.match(succeeded(good).stdout, /^username +ann$/m)
  assert.equal(await done('users end-sessions ann'), 'ann: done')
  const ended = await as('validate', { ...admin, HOLDFAST_TOKEN: token })
  assert.deepEqual([ended.code, ended.stdout], [1, 'not good\n'])
  assert.match(succeeded(await as('ways')).stdout, /^password +on$/m)
  assert.deepEqual(JSON.parse(await done('--json users remove ann')), { id: ann, removed: true })
})

test('no part of an access list is kept as it was seen once somebody else set it', async t => {
  const dir = scratch(t)
  const server = await startServer(t, join(dir, 'data'))
  const file = join(dir, 'k.txt')
  writeFileSync(file, 'x')
  succeeded(await server.holdfast('put', file))
  const asset = JSON.parse(succeeded(await server.holdfast('stat', 'k.txt', '--json')).stdout)
  const path = `/api/v2/assets/${asset.id}`
  const headers = { 'x-api-key': adminKey, 'content-type': 'application/json' }
  const theirs = { read: [], write: [asset.owner_id] }
  const between = createServer(async (incoming, response) => {
    const { method, url = '' } = incoming
    if (method === 'PUT') {
      const body = JSON.stringify({ acl: theirs })
      assert.equal((await fetch(server.url + path, { method, headers, body })).status, 200)
    }
    const options = { method, headers: incoming.headers }
    const outgoing = request(server.url + url, options, answer => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    incoming.pipe(outgoing)
  })
  await new Promise<void>(resolve => between.listen(0, '127.0.0.1', resolve))
  t.after(() => between.close())
  const { port } = between.address() as AddressInfo
  const env = { HOLDFAST_URL: `http://127.0.0.1:${port}`, HOLDFAST_API_KEY: adminKey }
  const refused = await run(['acl', 'k.txt', '--read', 'anonymous'], { env })
  assert.deepEqual([refused.code, /PRECONDITION_FAILED/.test(refused.stderr)], [1, true])
  const shown = succeeded(await server.holdfast('acl', 'k.txt', '--json')).stdout
  assert.deepEqual(JSON.parse(shown).acl, theirs)
  succeeded(await run(['acl', 'k.txt', '--read', 'anonymous', '--write='], { env }))
})
