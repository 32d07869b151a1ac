import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { after, before, test } from 'node:test'
import { openRaw, type RawClient } from '../raw-client.test.ts'
import { type S3TestServer, signedRequest, startS3 } from './s3/started-s3.test.ts'

/** A key that ends while a body comes: nothing is stored with it, whichever way takes the body. */

const SEEN = 'http.server.request.start'
const body = 'x'.repeat(100)
let s3: S3TestServer
/** Requests that Node's parser has read. */
let parsed = 0
const count = () => {
  parsed += 1
}

before(async () => {
  s3 = await startS3()
  assert.equal((await s3.send('PUT /ended')).status, 200)
  subscribe(SEEN, count)
})
after(async () => {
  unsubscribe(SEEN, count)
  await s3[Symbol.asyncDispose]()
})

/** A request that makes the connection Node's. */
const NODES = 'GET /health/live HTTP/1.1\r\nHost: x\r\nX-A: \xe9\r\n\r\n'

interface Door {
  readonly port: number
  readonly path: string
  request(key: string): string
  end(): Promise<number>
}

async function restDoor(): Promise<Door> {
  const json = { name: 'k', permissions: ['assets:*'] }
  const { id, key } = (await s3.server.ask('POST /api/v2/keys', { json })).json
  const path = '/api/v2/buckets/ended/assets'
  const fields = ['Host: x', `X-API-Key: ${key}`, `Content-Length: ${body.length}`]
  return {
    ...{ port: s3.server.port, path },
    request: at => [`PUT ${path}/${at} HTTP/1.1`, ...fields, '', body].join('\r\n'),
    end: async () => (await s3.server.ask(`DELETE /api/v2/keys/${id}`)).status,
  }
}

async function s3Door(): Promise<Door> {
  const json = { name: 'k', permissions: ['assets:*'] }
  const key = (await s3.server.ask('POST /api/v2/s3/keys', { json: { ...json, user_id: null } }))
    .json
  return {
    ...{ port: Number(s3.host.split(':')[1]), path: '/ended' },
    request: at => {
      const { path, headers } = signedRequest(s3.host, `PUT /ended/${at}`, { body, key })
      const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
      const length = `Content-Length: ${body.length}`
      return [`PUT ${path} HTTP/1.1`, ...fields, length, '', body].join('\r\n')
    },
    end: async () => (await s3.server.ask(`DELETE /api/v2/s3/keys/${key.id}`)).status,
  }
}

/** Head and half of a body, and the rest when the key is gone; the status. */
async function putWithEnded(door: Door, client: RawClient, at: string): Promise<string> {
  const request = door.request(at)
  client.send(request.slice(0, -50))
  // Until it has the first half: the server counts what it is at work on.
  const { load } = s3.server.running.context
  for (let wait = 0; wait < 500 && load.active === 0; wait += 1) {
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  assert.equal(await door.end(), 204)
  return (await client.ask(request.slice(-50))).slice(9, 12)
}

for (const [name, open, refusal] of [
  ['REST', restDoor, '401'],
  ['S3', s3Door, '403'],
] as const) {
  for (const way of ['before Node', 'by way of Node'] as const) {
    test(`a key of ${name} that is revoked stores nothing more, ${way}`, async () => {
      const door = await open()
      const at = `${name}-${way.replaceAll(' ', '-')}`
      const client = openRaw(door.port)
      if (way !== 'before Node') await client.ask(NODES)
      const seen = parsed
      assert.match(await client.ask(door.request(`${at}-first`)), /^HTTP\/1\.1 20[01]/)
      assert.equal(parsed === seen, way === 'before Node')
      assert.equal(await putWithEnded(door, client, at), refusal)
      client.end()
      const left = await s3.server.ask(`GET /api/v2/buckets/ended/assets/${at}`)
      assert.equal(left.status, 404)
    })
  }
}
