import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
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
