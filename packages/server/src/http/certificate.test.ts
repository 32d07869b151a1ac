import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request as plainRequest } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect, type PeerCertificate, type SecureVersion, type TLSSocket } from 'node:tls'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { adminKey, startServer, type TestServer } from '../started-server.test.ts'

const dir = mkdtempSync(join(tmpdir(), 'holdfast-tls-'))
after(() => rmSync(dir, { recursive: true, force: true }))

interface Pair {
  readonly cert: string
  readonly key: string
}

function newPair(name: string, days: number): Pair {
  const pair = { cert: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) }
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const files = ['-keyout', pair.key, '-out', pair.cert]
  execFileSync('openssl', ['req', '-x509', ...kind, '-days', `${days}`, ...subject, ...files], {
    stdio: 'ignore',
  })
  return pair
}

const first = newPair('first', 3650)
const second = newPair('second', 3650)

/** A server whose pair lies in files of its own, so that a test may exchange them. */
async function startTls(pair: Pair): Promise<{ server: TestServer; live: Pair }> {
  const home = mkdtempSync(join(dir, 'live-'))
  const live = { cert: join(home, 'tls.crt'), key: join(home, 'tls.key') }
  copyFileSync(pair.cert, live.cert)
  copyFileSync(pair.key, live.key)
  const env = { STORAGE_TLS_CERT_FILE: live.cert, STORAGE_TLS_KEY_FILE: live.key }
  return { server: await startServer({ env }), live }
}

interface TlsAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

async function ask(port: number, line: string, body?: Uint8Array): Promise<TlsAnswer> {
  const [method, path] = line.split(' ')
  const ca = [readFileSync(first.cert), readFileSync(second.cert)]
  const headers = { 'x-api-key': adminKey }
  const options = { host: '127.0.0.1', port, method, path, ca, headers, agent: false }
  return await new Promise((resolve, reject) => {
    const sending = request(options, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, body: Buffer.concat(chunks) })
      })
    })
    sending.on('error', reject)
    sending.end(body)
  })
}

async function handshake(port: number, maxVersion?: SecureVersion): Promise<PeerCertificate> {
  const options = { host: '127.0.0.1', port, rejectUnauthorized: false }
  const version = maxVersion === undefined ? {} : { minVersion: 'TLSv1' as const, maxVersion }
  return await new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ ...options, ...version }, () => {
      resolve(socket.getPeerCertificate())
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('every answer goes over TLS, with HSTS, and links say so', async () => {
  const { server } = await startTls(first)
  await using _ = server
  assert.match(server.url, /^https:\/\/127\.0\.0\.1:\d+$/)
  const bytes = Buffer.alloc(1_000_000, 'tls ')
  const path = '/api/v2/buckets/holdfast/assets/a.txt'
  const put = await ask(server.port, `PUT ${path}`, bytes)
  assert.equal(put.status, 201, put.body.toString())
  const got = await ask(server.port, `GET ${path}`)
  assert.ok(got.body.equals(bytes))
  assert.equal(got.headers['strict-transport-security'], 'max-age=31536000')
  const { id } = JSON.parse(put.body.toString())
  const link = await ask(server.port, `GET /api/v2/assets/${id}/presigned-url`)
  assert.match(JSON.parse(link.body.toString()).url, /^https:\/\/127\.0\.0\.1/)
})

test('plain HTTP and old versions of TLS get no answer, and the server goes on', async () => {
  const { server } = await startTls(first)
  await using _ = server
  await assert.rejects(handshake(server.port, 'TLSv1.1'))
  await assert.rejects(
    new Promise((resolve, reject) => {
      const sending = plainRequest({ host: '127.0.0.1', port: server.port }, resolve)
      sending.on('error', reject)
      sending.end()
    }),
  )
  assert.equal((await ask(server.port, 'GET /health/live')).status, 200)
})

test('a renewed pair is used from the next handshake on, half a renewal is not', async () => {
  const { server, live } = await startTls(first)
  await using _ = server
  const { certificate } = server.running.context
  assert.ok(certificate)
  assert.equal((await handshake(server.port)).subject.CN, 'first')
  assert.equal(certificate.reload(), false)
  copyFileSync(second.cert, live.cert)
  assert.equal(certificate.reload(), false)
  assert.equal((await handshake(server.port)).subject.CN, 'first')
  assert.match(server.logLines.join(''), /the old one stays/)
  copyFileSync(second.key, live.key)
  assert.equal(certificate.reload(), true)
  assert.equal((await handshake(server.port)).subject.CN, 'second')
  assert.equal((await ask(server.port, 'GET /health/live')).status, 200)
  assert.doesNotMatch(server.logLines.join(''), /PRIVATE KEY/)
})

test('a certificate that ends soon is told in the log', async () => {
  const { server } = await startTls(newPair('short', 3))
  await using _ = server
  assert.match(server.logLines.join(''), /the certificate expires soon/)
})

test('files that are missing, no PEM, or no pair are refused at start', async () => {
  const noPem = join(dir, 'no.pem')
  writeFileSync(noPem, 'not a certificate')
  const cases: readonly [string, string, RegExp][] = [
    [join(dir, 'absent'), first.key, /CERT_FILE.*cannot be read/],
    [first.cert, join(dir, 'absent'), /KEY_FILE.*cannot be read/],
    [noPem, first.key, /CERT_FILE.*as PEM/],
    [first.cert, noPem, /KEY_FILE.*as PEM/],
    [first.cert, second.key, /KEY_FILE.*not the key of the certificate/],
  ]
  for (const [cert, key, expected] of cases) {
    const env = { STORAGE_TLS_CERT_FILE: cert, STORAGE_TLS_KEY_FILE: key }
    await assert.rejects(startServer({ env }), error => {
      assert.ok(isHoldfastError(error) && error.code === 'SETTINGS_INVALID')
      assert.match(JSON.stringify(error.details), expected)
      return true
    })
  }
  await assert.rejects(startServer({ env: { STORAGE_TLS_CERT_FILE: first.cert } }), error => {
    assert.match(JSON.stringify(isHoldfastError(error) && error.details), /TLS_KEY_FILE.*together/)
    return true
  })
})
