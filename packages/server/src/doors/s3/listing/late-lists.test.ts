import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type S3TestServer, startS3 } from '../started-s3.test.ts'

let s3: S3TestServer
let uploadId = ''

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /late')).status, 200)
  const begun = await s3.send('POST /late/big?uploads')
  uploadId = /<UploadId>(.*?)</.exec(begun.text)?.[1] ?? ''
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

for (const what of ['', 'versions', 'uploads', 'parts']) {
  test(`whose key is revoked while a list waits for its turn gets none: ${what}`, async () => {
    const { server } = s3
    const json = { name: 'lists', permissions: ['*'] }
    const { json: made } = await server.ask('POST /api/v2/s3/keys', { json })
    const key = { id: made.id, secret: made.secret }
    const ask = what === 'parts' ? `/late/big?uploadId=${uploadId}` : `/late?${what}`
    assert.equal((await s3.send(`GET ${ask}`, { key })).status, 200)
    const { lists } = server.running.context.engine
    const next = lists.next.bind(lists)
    lists.next = async caller => {
      lists.next = next
      await next(caller)
      const { status } = await server.ask(`DELETE /api/v2/s3/keys/${key.id}`)
      assert.ok(status < 300)
    }
    const late = await s3.send(`GET ${ask}`, { key })
    assert.equal(lists.next, next, 'it waited')
    assert.deepEqual([late.status, late.code], [403, 'AccessDenied'])
  })
}

test('whose key is revoked while buckets are looked at in turns hears of none', async () => {
  const { server } = s3
  const names = Array.from({ length: 12 }, (_, at) => `late-${at}`)
  for (const name of names) await s3.send(`PUT /${name}`)
  const account = { username: 'lister', password: 'Lower-Salmon-71-Kettle', roles: ['USER'] }
  const json = { ...account, must_change_password: false }
  const { json: user } = await server.ask('POST /api/v2/users', { json })
  for (const bucket of names) {
    const grant = { principal_id: user.id, bucket, prefix: '', permissions: ['assets:read'] }
    assert.equal((await server.ask('POST /api/v2/grants', { json: grant })).status, 201)
  }
  const { json: made } = await server.ask('POST /api/v2/s3/keys', {
    json: { name: 'buckets', user_id: user.id },
  })
  const key = { id: made.id, secret: made.secret }
  assert.match((await s3.send('GET /', { key })).text, /late-3/)
  const { lists } = server.running.context.engine
  const next = lists.next.bind(lists)
  lists.next = async caller => {
    lists.next = next
    await next(caller)
    await server.ask(`DELETE /api/v2/s3/keys/${key.id}`)
  }
  const late = await s3.send('GET /', { key })
  assert.equal(lists.next, next, 'it waited')
  assert.equal(late.status, 403, late.text)
})

for (const [what, action] of [
  ['list-type=2', 'ListBucket'],
  ['versions', 'ListBucketVersions'],
  ['uploads', 'ListBucketMultipartUploads'],
]) {
  test(`a list that waits for its turn asks the policy again: ${what}`, async () => {
    const { lists } = s3.server.running.context.engine
    assert.equal((await s3.send('PUT /open')).status, 200)
    const place = { Action: `s3:${action}`, Resource: 'arn:aws:s3:::open' }
    const Statement = [{ Effect: 'Allow', Principal: '*', ...place }]
    const body = JSON.stringify({ Version: '2012-10-17', Statement })
    assert.equal((await s3.send('PUT /open?policy', { body })).status, 204)
    assert.equal((await s3.send(`GET /open?${what}`, { auth: 'none' })).status, 200)
    const next = lists.next.bind(lists)
    lists.next = async caller => {
      lists.next = next
      await next(caller)
      assert.equal((await s3.send('DELETE /open?policy')).status, 204)
    }
    const late = await s3.send(`GET /open?${what}`, { auth: 'none' })
    assert.equal(lists.next, next, 'it waited')
    assert.deepEqual([late.status, late.code], [403, 'AccessDenied'])
  })
}

test('strangers wait for lists by address', async () => {
  const { server } = s3
  const place = 'arn:aws:s3:::late'
  const statement = { Effect: 'Allow', Principal: '*', Action: 's3:ListBucket', Resource: place }
  const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  assert.equal((await s3.send('PUT /late?policy', { body })).status, 204)
  const { lists } = server.running.context.engine
  const next = lists.next.bind(lists)
  const callers = new Set<string>()
  lists.next = async caller => {
    callers.add(caller)
    await next(caller)
  }
  const answer = await fetch(`http://${s3.host}/late?list-type=2`)
  lists.next = next
  assert.equal(answer.status, 200)
  assert.deepEqual([...callers], ['anonymous 127.0.0.1'])
})

test('whose key is revoked while a long document waits for its turn sets nothing', async () => {
  const { server } = s3
  // Long by its spaces: of what is kept less is allowed.
  const rules = Array.from({ length: 300 }, (_, at) => {
    const what = `<ID>${at}</ID><Filter><Prefix>${at}/</Prefix></Filter>`
    const ends = '<Status>Enabled</Status><Expiration><Days>9</Days></Expiration>'
    return `<Rule>${what}${ends}</Rule>`
  })
  const all = rules.join(' '.repeat(200))
  const body = `<LifecycleConfiguration>${all}</LifecycleConfiguration>`
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  for (const isRevoked of [true, false]) {
    const json = { name: 'documents', permissions: ['*'] }
    const { json: made } = await server.ask('POST /api/v2/s3/keys', { json })
    const key = { id: made.id, secret: made.secret }
    const { lists } = server.running.context.engine
    const next = lists.next.bind(lists)
    lists.next = async caller => {
      lists.next = next
      await next(caller)
      if (isRevoked) await server.ask(`DELETE /api/v2/s3/keys/${key.id}`)
    }
    const late = await s3.send('PUT /late?lifecycle', { key, body, headers })
    assert.equal(lists.next, next, 'it waited')
    const kept = await s3.send('GET /late?lifecycle')
    assert.deepEqual([late.status, kept.status], isRevoked ? [403, 404] : [200, 200])
  }
})

test('a long document is not read for who went away while it waited for its turn', async () => {
  const { engine, turns } = s3.server.running.context
  const body = `<Delete>${' '.repeat(100_000)}</Delete>`
  const md5 = createHash('md5').update(body).digest('base64')
  const [hostname = '', port] = s3.host.split(':')
  const socket = connect(Number(port), hostname)
  const { lists } = engine
  const next = lists.next.bind(lists)
  const take = turns.take.bind(turns)
  let begun = 0
  const waited = new Promise<void>(resolve => {
    lists.next = async caller => {
      lists.next = next
      socket.destroy()
      await next(caller)
      // Until the server noticed.
      await sleep(200)
      turns.take = callerOf => {
        begun += 1
        return take(callerOf)
      }
      resolve()
    }
  })
  const head = ['POST /late?delete HTTP/1.1', `Host: ${s3.host}`, `Content-MD5: ${md5}`]
  socket.on('error', () => {})
  socket.write(`${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  await waited
  await sleep(50)
  turns.take = take
  assert.equal(begun, 0)
})
