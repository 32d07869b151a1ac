import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openRaw } from '../../raw-client.test.ts'
import { adminKey, startServer, type TestServer } from '../../started-server.test.ts'

const dir = mkdtempSync(join(tmpdir(), 'holdfast-full-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const PLACES = 16
const STRANGERS = 40

async function until(isSo: () => boolean): Promise<void> {
  for (let wait = 0; wait < 2000 && !isSo(); wait += 1) await delay(5)
  assert.ok(isSo())
}

const s3PortOf = ({ running }: TestServer) => Number(new URL(running.s3Url ?? '').port)

test('strangers who only hold connections keep nobody out, and cut nothing at work', async () => {
  await using server = await startServer({ env: { STORAGE_MAX_CONNECTIONS: `${PLACES}` } })
  const { connections, load } = server.running.context
  const upload = openRaw(server.port)
  const path = '/api/v2/buckets/holdfast/assets/kept'
  const lines = ['Host: x', `X-API-Key: ${adminKey}`, 'Content-Length: 10']
  upload.send(`PUT ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n01234`)
  await until(() => load.active === 1)
  const ports = [server.port, s3PortOf(server)]
  const strangers = []
  for (let at = 0; at < STRANGERS; at += 1) {
    const stranger = openRaw(ports[at % 2] ?? 0)
    strangers.push(stranger)
    const answer = await stranger.ask('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n')
    assert.match(answer, /^HTTP\/1\.1 (200|404)/)
    assert.ok(connections.open <= PLACES)
  }
  assert.equal((await server.ask('GET /health/ready', { key: null })).status, 200)
  assert.match(await upload.ask('56789'), /^HTTP\/1\.1 201/)
  assert.equal((await server.ask(`GET ${path}`)).text, '0123456789')
  const told = (await server.ask('GET /metrics')).text
  const idle = /^storage_connections_closed_total\{which="idle"\} (\d+)$/m.exec(told)?.[1]
  assert.ok(Number(idle) >= STRANGERS - PLACES)
  assert.equal(connections.closed.refused, 0)
  assert.equal(server.logLines.filter(line => line.includes('at their bound')).length, 1)
  for (const stranger of strangers) stranger.end()
  upload.end()
})

test('a refused upload that goes on sending is nothing at work', async () => {
  await using server = await startServer({ env: { STORAGE_MAX_CONNECTIONS: `${PLACES}` } })
  const senders: Socket[] = []
  for (let at = 0; at < PLACES; at += 1) {
    const socket = connect(server.port, '127.0.0.1').on('error', () => {})
    senders.push(socket)
    const lines = ['Host: x', 'Content-Length: 1000000']
    const text = `PUT /api/v2/buckets/holdfast/assets/x HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
    socket.write(`${text}${'x'.repeat(20)}`)
    const [answer] = await once(socket, 'data')
    assert.match(String(answer), /^HTTP\/1\.1 401/)
  }
  assert.equal((await server.ask('GET /health/ready', { key: null })).status, 200)
  for (const socket of senders) socket.destroy()
})

function newPair(): Readonly<Record<string, string>> {
  const [cert, key] = [join(dir, 'tls.crt'), join(dir, 'tls.key')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const subject = ['-subj', '/CN=localhost', '-days', '3650']
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  })
  return { STORAGE_TLS_CERT_FILE: cert, STORAGE_TLS_KEY_FILE: key }
}

async function statusOf(port: number): Promise<number | undefined> {
  const to = { host: '127.0.0.1', port, path: '/health/live', rejectUnauthorized: false }
  const sending = request({ ...to, agent: false }).end()
  const [response] = await once(sending, 'response')
  response.resume()
  return response.statusCode
}

test('over TLS, those who have not shaken hands count as well', async () => {
  const env = { STORAGE_MAX_CONNECTIONS: `${PLACES}`, ...newPair() }
  await using server = await startServer({ env })
  const { connections } = server.running.context
  const silent: Socket[] = []
  for (let at = 0; at < STRANGERS; at += 1) {
    const socket = connect(at % 2 === 0 ? server.port : s3PortOf(server), '127.0.0.1')
    silent.push(socket.on('error', () => {}))
    await once(socket, 'connect')
  }
  await until(() => connections.arrived === STRANGERS)
  assert.equal(connections.open, PLACES)
  assert.equal(await statusOf(server.port), 200)
  assert.equal(await statusOf(s3PortOf(server)), 404)
  assert.ok(connections.open <= PLACES)
  for (const socket of silent) socket.destroy()
})
