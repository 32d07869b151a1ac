import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openRaw } from '../raw-client.test.ts'
import { adminKey, startServer, type TestServer } from '../started-server.test.ts'

const path = '/api/v2/buckets/holdfast/assets/many'
/** More than Node hands on unless it is told to. */
const MANY = 'a:\r\n'.repeat(2_100)
let server: TestServer

before(async () => {
  server = await startServer({ env: { STORAGE_S3_PORT: '0' } })
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

async function ask(port: number, head: string): Promise<string> {
  const client = openRaw(port)
  const answer = await client.ask(head)
  client.end()
  return answer
}

test('a condition behind thousands of headers is obeyed', async () => {
  await server.ask(`PUT ${path}`, { body: 'first' })
  const start = `PUT ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\nContent-Length: 6\r\n`
  const answer = await ask(server.port, `${start}${MANY}If-None-Match: *\r\n\r\nsecond`)
  assert.match(answer, /^HTTP\/1\.1 412 /)
  assert.equal((await server.ask(`GET ${path}`)).text, 'first')
})

test('a second host behind thousands of headers is seen at the S3 door', async () => {
  const port = Number(new URL(server.running.s3Url ?? '').port)
  const answer = await ask(port, `GET / HTTP/1.1\r\nHost: x\r\n${MANY}Host: y\r\n\r\n`)
  assert.match(answer, /Host is given twice/)
})

test('two Authorization headers leave open who acts, and are refused', async () => {
  const start = `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${adminKey}\r\n`
  const answer = await ask(server.port, `${start}Authorization: Bearer other\r\n\r\n`)
  assert.match(answer, /^HTTP\/1\.1 400 .*"header":"authorization"/s)
})

test('a fragment in the request target is refused, and not cut off', async () => {
  const head = `GET /api/v2/buckets?limit=1#&limit=2 HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}`
  const answer = await ask(server.port, `${head}\r\n\r\n`)
  assert.match(answer, /^HTTP\/1\.1 400 .*MALFORMED_REQUEST/s)
})
