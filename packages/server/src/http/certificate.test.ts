import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { type IncomingHttpHeaders, request as plainRequest } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect, type PeerCertificate, type SecureVersion, type TLSSocket } from 'node:tls'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { nodeDisk } from '@holdfast/drivers/disk/node-disk.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { parseSettings } from '../config/parse-settings.ts'
import { accessKey, secretKey, signedRequest } from '../doors/s3/started-s3.test.ts'
import { adminKey, startServer, type TestServer } from '../started-server.test.ts'
import { openLog } from '../telemetry/log.ts'
import { Certificate } from './certificate.ts'

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
const short = newPair('short', 3)

/** A server whose pair lies in files of its own, so that a test may exchange them. */
async function startTls(
  pair: Pair,
  more: Record<string, string> = {},
): Promise<{ server: TestServer; live: Pair; s3Port: number }> {
  const home = mkdtempSync(join(dir, 'live-'))
  const live = { cert: join(home, 'tls.crt'), key: join(home, 'tls.key') }
  copyFileSync(pair.cert, live.cert)
  copyFileSync(pair.key, live.key)
  const env = { STORAGE_TLS_CERT_FILE: live.cert, STORAGE_TLS_KEY_FILE: live.key, ...more }
  const server = await startServer({ env })
  return { server, live, s3Port: Number(new URL(server.running.s3Url ?? '').port) }
}

interface TlsAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

interface Sent {
  readonly body?: Uint8Array
  readonly headers?: Record<string, string>
}

async function ask(port: number, line: string, sent: Sent = {}): Promise<TlsAnswer> {
  const [method, path] = line.split(' ')
  const ca = [first, second, short].map(pair => readFileSync(pair.cert))
  const headers = sent.headers ?? { 'x-api-key': adminKey }
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
    sending.end(sent.body)
  })
}

async function handshake(port: number, maxVersion?: SecureVersion): Promise<PeerCertificate> {
  const options = { host: '127.0.0.1', port, rejectUnauthorized: false }
  // Level 0 lets this client offer versions that it would not offer by itself.
  const old = { minVersion: 'TLSv1' as const, ciphers: 'DEFAULT@SECLEVEL=0' }
  const version = maxVersion === undefined ? {} : { ...old, maxVersion }
  return await new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ ...options, ...version }, () => {
      resolve(socket.getPeerCertificate())
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('what is no request is refused with the headers of all answers', async () => {
  const { server, s3Port } = await startTls(first)
  await using _ = server
  const bytes = {
    400: 'GARBAGE\r\n\r\n',
    405: 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
    431: `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(90_000)}\r\n\r\n`,
  }
  for (const port of [server.port, s3Port]) {
    for (const [status, text] of Object.entries(bytes)) {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
      socket.on('error', () => {}).write(text)
      let answer = ''
      for await (const chunk of socket) answer += String(chunk)
      assert.match(answer, new RegExp(`^HTTP/1.1 ${port === s3Port ? 400 : status} `))
      assert.match(answer, /^strict-transport-security: max-age=\d+\r$/im)
      assert.match(answer, /^x-content-type-options: nosniff\r$/im)
      assert.match(answer, /^content-security-policy: /im)
    }
  }
})

test('every answer goes over TLS, with HSTS, and links say so', async () => {
  const { server } = await startTls(first)
  await using _ = server
  assert.match(server.url, /^https:\/\/127\.0\.0\.1:\d+$/)
  const bytes = Buffer.alloc(1_000_000, 'tls ')
  const path = '/api/v2/buckets/holdfast/assets/a.txt'
  const put = await ask(server.port, `PUT ${path}`, { body: bytes })
  assert.equal(put.status, 201, put.body.toString())
  const got = await ask(server.port, `GET ${path}`)
  assert.ok(got.body.equals(bytes))
  assert.equal(got.headers['strict-transport-security'], 'max-age=31536000')
  const { id } = JSON.parse(put.body.toString())
  const link = await ask(server.port, `GET /api/v2/assets/${id}/presigned-url`)
  assert.match(JSON.parse(link.body.toString()).url, /^https:\/\/127\.0\.0\.1/)
})

test('plain HTTP and old versions of TLS get no answer, and the server goes on', async () => {
  const { server, s3Port } = await startTls(first)
  await using _ = server
  for (const port of [server.port, s3Port]) {
    await assert.rejects(handshake(port, 'TLSv1.1'), /protocol version/)
    assert.equal((await handshake(port, 'TLSv1.2')).subject.CN, 'first')
    await assert.rejects(
      new Promise((resolve, reject) => {
        const sending = plainRequest({ host: '127.0.0.1', port }, resolve)
        sending.on('error', reject)
        sending.end()
      }),
    )
  }
  assert.equal((await ask(server.port, 'GET /health/live')).status, 200)
  assert.equal((await ask(s3Port, 'GET /')).status, 403)
})

/** What becomes of a second handshake inside a connection of TLS 1.2; null when it comes about. */
async function shakeAgain(port: number): Promise<unknown> {
  return await new Promise(resolve => {
    const options = { host: '127.0.0.1', port, rejectUnauthorized: false }
    const socket: TLSSocket = connect({ ...options, maxVersion: 'TLSv1.2' }, () => {
      socket.renegotiate({}, error => {
        resolve(error)
        socket.destroy()
      })
    })
    socket.on('error', resolve)
  })
}

test('no client shakes hands again on a connection, before and after a renewal', async () => {
  const { server, live, s3Port } = await startTls(first)
  await using _ = server
  const refused = async () => {
    for (const port of [server.port, s3Port]) {
      assert.match(String(await shakeAgain(port)), /renegotiation/i)
    }
  }
  await refused()
  copyFileSync(second.cert, live.cert)
  copyFileSync(second.key, live.key)
  assert.equal(server.running.context.certificate?.reload(), true)
  await refused()
  assert.equal((await ask(server.port, 'GET /health/live')).status, 200)
})

/** Asks for other keys, one after the other, until the server ends it; tells how often it could. */
async function changeKeys(port: number, times: number): Promise<number> {
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3']
  const client = spawn('openssl', args, { stdio: ['pipe', 'ignore', 'pipe'] })
  const ended = new Promise(resolve => client.once('close', resolve))
  client.stdin.on('error', () => {})
  // A command is one only where it begins what was read at once.
  client.stdin.write('K\n')
  let told = ''
  for await (const text of client.stderr) {
    told += String(text)
    const count = told.split('KEYUPDATE').length - 1
    if (count >= times) client.kill()
    else if (String(text).includes('KEYUPDATE')) client.stdin.write('K\n')
  }
  await ended
  return told.split('KEYUPDATE').length - 1
}

test('a client that changes keys all the time is ended, at both doors', async () => {
  const { server, s3Port } = await startTls(first)
  await using _ = server
  for (const port of [server.port, s3Port]) {
    const count = await changeKeys(port, 500)
    assert.ok(count >= 128 && count < 500, `${count} times`)
  }
  assert.equal((await ask(server.port, 'GET /health/live')).status, 200)
})

test('TLS 1.2 can be refused, after a renewal too', async () => {
  const { server, s3Port, live } = await startTls(first, { STORAGE_TLS_MIN_VERSION: '1.3' })
  await using _ = server
  const check = async (name: string) => {
    for (const port of [server.port, s3Port]) {
      await assert.rejects(handshake(port, 'TLSv1.2'), /protocol version/)
      assert.equal((await handshake(port)).subject.CN, name)
    }
  }
  await check('first')
  copyFileSync(second.cert, live.cert)
  copyFileSync(second.key, live.key)
  assert.equal(server.running.context.certificate?.reload(), true)
  await check('second')
})

test('HSTS is told over TLS by both doors, refusals too, and under a https address', async () => {
  const { server, s3Port } = await startTls(first)
  await using _ = server
  const hsts = async (port: number, line: string) =>
    (await ask(port, line)).headers['strict-transport-security']
  assert.equal(await hsts(server.port, 'GET /nowhere'), 'max-age=31536000')
  assert.equal(await hsts(s3Port, 'GET /'), 'max-age=31536000')
  await using plain = await startServer()
  const rest = await plain.ask('GET /nowhere')
  assert.equal(rest.headers['strict-transport-security'], undefined)
  const s3 = await fetch(plain.running.s3Url ?? '')
  assert.equal(s3.headers.get('strict-transport-security'), null)
  await using proxied = await startServer({ env: { STORAGE_PUBLIC_URL: 'https://files.example' } })
  const main = await proxied.ask('GET /nowhere')
  assert.equal(main.headers['strict-transport-security'], 'max-age=31536000')
  const plainS3 = await fetch(proxied.running.s3Url ?? '')
  assert.equal(plainS3.headers.get('strict-transport-security'), null)
})

test('HSTS is told by answers that S3 gives at once', async () => {
  const env = {
    STORAGE_BOOTSTRAP_S3_ACCESS_KEY_ID: accessKey,
    STORAGE_BOOTSTRAP_S3_SECRET_ACCESS_KEY: secretKey,
  }
  const { server, s3Port } = await startTls(first, env)
  await using _ = server
  const path = '/api/v2/buckets/holdfast/assets/a.txt'
  assert.equal((await ask(server.port, `PUT ${path}`, { body: Buffer.from('hello') })).status, 201)
  const line = 'GET /holdfast/a.txt'
  const signed = signedRequest(`127.0.0.1:${s3Port}`, line, {})
  // Connections that end with the answer go the long way.
  const headers = { ...signed.headers, connection: 'keep-alive' }
  for (let round = 0; round < 2; round += 1) {
    const got = await ask(s3Port, line, { headers })
    assert.equal(got.body.toString(), 'hello')
    assert.equal(got.headers['strict-transport-security'], 'max-age=31536000')
  }
})

test('a renewed pair is used from the next handshake on, half a renewal is not', async () => {
  const { server, live, s3Port } = await startTls(first)
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
  assert.equal((await handshake(s3Port)).subject.CN, 'second')
  assert.equal((await ask(server.port, 'GET /health/live')).status, 200)
  assert.doesNotMatch(server.logLines.join(''), /PRIVATE KEY/)
})

test('the files are looked at by themselves, links that change their target too', async () => {
  const home = mkdtempSync(join(dir, 'links-'))
  const [certFile, keyFile] = [join(home, 'tls.crt'), join(home, 'tls.key')]
  const point = (pair: Pair) => {
    for (const [link, target] of [
      [certFile, pair.cert],
      [keyFile, pair.key],
    ] as const) {
      rmSync(link, { force: true })
      symlinkSync(target, link)
    }
  }
  point(first)
  const clock = new FakeClock(Date.now())
  const log = openLog(parseSettings({ env: {} }).settings, '1', { write: () => {} })
  const options = { certFile, keyFile, minVersion: 'TLSv1.2' } as const
  const certificate = new Certificate(options, { disk: nodeDisk, clock, log })
  const server = certificate.serve({}, (_, response) => response.end())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const over = new AbortController()
  const watching = certificate.watch(over.signal)
  assert.equal((await handshake(address.port)).subject.CN, 'first')
  point(second)
  await clock.advance(10_000)
  assert.equal((await handshake(address.port)).subject.CN, 'second')
  over.abort()
  await watching
  server.close()
})

test('a chain that is cut is refused at the start, and later leaves the old one', async () => {
  const half = readFileSync(second.cert, 'utf8').slice(0, 200)
  const cut = join(dir, 'cut.pem')
  writeFileSync(cut, `${readFileSync(first.cert, 'utf8')}${half}`)
  const env = { STORAGE_TLS_CERT_FILE: cut, STORAGE_TLS_KEY_FILE: first.key }
  await assert.rejects(startServer({ env }), error => {
    return isHoldfastError(error) && error.code === 'SETTINGS_INVALID'
  })
  const { server, live } = await startTls(second)
  await using _ = server
  const { certificate } = server.running.context
  assert.ok(certificate !== undefined)
  copyFileSync(cut, live.cert)
  copyFileSync(first.key, live.key)
  assert.equal(certificate.reload(), false)
  assert.equal((await handshake(server.port)).subject.CN, 'second')
  copyFileSync(first.cert, live.cert)
  assert.equal(certificate.reload(), true)
  assert.equal((await handshake(server.port)).subject.CN, 'first')
})

test('an ended one takes the place of no good one, and is told each time', async () => {
  const home = mkdtempSync(join(dir, 'ended-'))
  const [certFile, keyFile] = [join(home, 'tls.crt'), join(home, 'tls.key')]
  const place = (pair: Pair) => {
    copyFileSync(pair.cert, certFile)
    copyFileSync(pair.key, keyFile)
  }
  place(first)
  const lines: string[] = []
  const { settings } = parseSettings({ env: {} })
  const log = openLog(settings, '1', { write: line => void lines.push(line) })
  const clock = new FakeClock(Date.now() + 100 * 86_400_000)
  const options = { certFile, keyFile, minVersion: 'TLSv1.2' } as const
  const certificate = new Certificate(options, { disk: nodeDisk, clock, log })
  const told = () => lines.filter(line => line.includes('the old one stays')).length
  const ended = newPair('ended', 30)
  for (const times of [1, 2]) {
    place(ended)
    assert.equal(certificate.reload(), false)
    assert.equal(certificate.reload(), false)
    assert.equal(told(), times)
    place(first)
    assert.equal(certificate.reload(), false)
  }
  place(second)
  assert.equal(certificate.reload(), true)
  place(ended)
  assert.equal(certificate.reload(), false)
  // Where both are no good, the newer one is what its administrator wants, who left it there.
  clock.jump(4000 * 86_400_000)
  assert.equal(certificate.reload(), true)
  assert.equal(certificate.reload(), false)
  assert.equal(told(), 3)
})

test('a certificate that ends soon is told in the log', async () => {
  const { server } = await startTls(short)
  await using _ = server
  assert.match(server.logLines.join(''), /the certificate expires soon/)
  const { validTo } = new X509Certificate(readFileSync(short.cert))
  const sample = 'tls_certificate_valid_until_timestamp_seconds{use="server"}'
  const metrics = await ask(Number(new URL(server.url).port), 'GET /metrics')
  const line = metrics.body
    .toString()
    .split('\n')
    .find(one => one.startsWith(sample))
  assert.equal(Number(line?.slice(sample.length)), Date.parse(validTo) / 1000)
})

test('a server that runs into the last days of its certificate tells daily', () => {
  const lines: string[] = []
  const { settings } = parseSettings({ env: {} })
  const log = openLog(settings, '1', { write: line => void lines.push(line) })
  const clock = new FakeClock(Date.now())
  const pair = newPair('month', 30)
  const options = { certFile: pair.cert, keyFile: pair.key, minVersion: 'TLSv1.2' } as const
  const certificate = new Certificate(options, { disk: nodeDisk, clock, log })
  const DAY_MS = 86_400_000
  const told = (what: string) => lines.filter(line => line.includes(what)).length
  const days = (count: number) => {
    for (let hours = 0; hours < count * 24; hours += 1) {
      clock.jump(DAY_MS / 24)
      certificate.reload()
    }
  }
  days(15)
  assert.equal(told('expires soon'), 0)
  days(10)
  assert.ok(told('expires soon') >= 8 && told('expires soon') <= 10)
  days(10)
  assert.ok(told('has ended') >= 4 && told('has ended') <= 6)
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
