import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { nodeDisk } from '../disk/node-disk.ts'
import { FileKeySet } from './file-key-set.ts'
import { HttpKeySet } from './http-key-set.ts'

const never = new AbortController().signal

async function served(listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    url: `http://127.0.0.1:${address.port}/jwks.json`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

test('a key set is loaded from its address', async () => {
  await using issuer = await served((_, response) => response.end('{"keys":[]}'))
  assert.deepEqual(await new HttpKeySet(issuer.url).load(never), { keys: [] })
})

test('a redirect is not followed', async () => {
  let asked = 0
  await using inside = await served((_, response) => {
    asked += 1
    response.end('{"keys":[]}')
  })
  for (const status of [301, 302, 303, 307, 308]) {
    await using issuer = await served((_, response) => {
      response.writeHead(status, { location: inside.url }).end()
    })
    await assert.rejects(new HttpKeySet(issuer.url).load(never))
  }
  assert.equal(asked, 0)
})

test('a pipe instead of a file is a failure, and holds nobody up', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-pipe-'))
  try {
    const path = join(dir, 'jwks.json')
    execFileSync('mkfifo', [path])
    await assert.rejects(new FileKeySet(path, nodeDisk).load())
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('what is too long, no JSON, or no good answer is a failure', async () => {
  const bodies: RequestListener[] = [
    (_, response) => response.end(`"${'x'.repeat(300 * 1024)}"`),
    (_, response) => response.end('<html>'),
    (_, response) => response.writeHead(404).end('{"keys":[]}'),
    (_, response) => response.writeHead(204).end(),
    (request, _) => request.socket.destroy(),
  ]
  for (const body of bodies) {
    await using issuer = await served(body)
    await assert.rejects(new HttpKeySet(issuer.url).load(never))
  }
})

test('who stops waits for no answer', async () => {
  await using issuer = await served(() => {})
  const stop = new AbortController()
  const loading = new HttpKeySet(issuer.url).load(stop.signal)
  stop.abort()
  await assert.rejects(loading)
})

test('a file is read again at every load', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-jwks-'))
  const path = join(dir, 'jwks.json')
  const source = new FileKeySet(path, nodeDisk)
  await assert.rejects(source.load())
  writeFileSync(path, '{"keys":[1]}')
  assert.deepEqual(await source.load(), { keys: [1] })
  writeFileSync(path, '{"keys":[2]}')
  assert.deepEqual(await source.load(), { keys: [2] })
  writeFileSync(path, `${' '.repeat(256 * 1024)}{"keys":[3]}`)
  await assert.rejects(source.load(), /longer than/)
  rmSync(dir, { recursive: true })
})
