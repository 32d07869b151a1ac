import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { type S3TestServer, startS3, told } from '../started-s3.test.ts'

const MINUTE_MS = 60_000

/** Goes as the one of the system does, ahead of it; the thread that commits keeps to the latter. */
class AheadClock implements Clock {
  #aheadMs = 0

  now(): number {
    return systemClock.now() + this.#aheadMs
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#aheadMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal)
  }

  pass(ms: number): void {
    this.#aheadMs += ms
  }
}

async function begin(s3: S3TestServer, line: string, timeMs = Date.now()): Promise<string> {
  const { text } = await s3.send(`POST ${line}?uploads`, { timeMs })
  return /<UploadId>(.*?)<\/UploadId>/.exec(text)?.[1] ?? ''
}

test('uploads that nobody goes on with are dropped after STORAGE_S3_UPLOAD_EXPIRY', async () => {
  for (const [env, dropped] of [
    [{ STORAGE_S3_UPLOAD_EXPIRY: '1h' }, true],
    [{}, false],
  ] as const) {
    const clock = new AheadClock()
    // No collection but those that the test asks for.
    await using s3 = await startS3({ clock, env: { ...env, STORAGE_GARBAGE_INTERVAL: '0' } })
    const send = (line: string, body = '') => s3.send(line, { body, timeMs: clock.now() })
    const collect = async () => {
      const done = await s3.server.ask('POST /api/v2/admin/collect-garbage')
      assert.deepEqual([done.status, done.json.stopped], [200, null], done.text)
    }
    await send('PUT /plain')
    const idle = `/plain/idle?uploadId=${await begin(s3, '/plain/idle', clock.now())}`
    assert.equal((await send(`PUT ${idle}&partNumber=1`, 'one')).status, 200)
    clock.pass(59 * MINUTE_MS)
    await collect()
    assert.equal((await send(`GET ${idle}`)).status, 200)
    clock.pass(2 * MINUTE_MS)
    await collect()
    const after = await send(`GET ${idle}`)
    assert.deepEqual(told(after), dropped ? [404, 'NoSuchUpload'] : [200, undefined])
    assert.equal((await send(`PUT ${idle}&partNumber=2`, 'more')).status, dropped ? 404 : 200)
    const listed = await send('GET /plain?uploads')
    assert.equal(listed.text.includes('<Key>idle</Key>'), !dropped)
  }
})

test('a part is copied from a range of its source, which must hold all of it', async () => {
  await using s3 = await startS3()
  await s3.send('PUT /plain')
  await s3.send('PUT /plain/source', { body: 'hello' })
  const upload = `/plain/made?uploadId=${await begin(s3, '/plain/made')}`
  const copy = async (range: string) => {
    const headers = { 'x-amz-copy-source': '/plain/source', 'x-amz-copy-source-range': range }
    return await s3.send(`PUT ${upload}&partNumber=1`, { headers })
  }
  const past = await copy('bytes=0-21')
  assert.deepEqual(told(past), [400, 'InvalidArgument'])
  assert.match(past.text, /Range specified is not valid for source object of size: 5</)
  assert.match(past.text, /<ArgumentName>x-amz-copy-source-range</)
  assert.match(past.text, /<ArgumentValue>bytes=0-21</)
  assert.deepEqual(told(await copy('bytes=4-5')), [400, 'InvalidArgument'])
  for (const beyond of ['bytes=5-5', 'bytes=100-200']) {
    assert.deepEqual(told(await copy(beyond)), [400, 'InvalidRequest'], beyond)
  }
  const improper = ['0-2', 'bytes=0', 'bytes=a-b', 'bytes=1-', 'bytes=-2', 'bytes=3-2']
  for (const range of [...improper, 'bytes=0-1,2-3']) {
    const answer = await copy(range)
    assert.deepEqual(told(answer), [400, 'InvalidArgument'], range)
    assert.match(answer.text, /must be of the form bytes=first-last/)
  }
  const parts = await s3.send(`GET ${upload}`)
  assert.ok(!parts.text.includes('<Part>'), parts.text)
  const good = await copy('bytes=1-4')
  const etag = /<ETag>(.*?)<\/ETag>/.exec(good.text)?.[1] ?? ''
  const body =
    `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part>` +
    '</CompleteMultipartUpload>'
  assert.equal((await s3.send(`POST ${upload}`, { body })).status, 200)
  assert.equal((await s3.send('GET /plain/made')).text, 'ello')
})
