import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { nodeDisk } from '@holdfast/drivers/disk/node-disk.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { parseSettings } from '../config/parse-settings.ts'
import { openLog } from '../telemetry/log.ts'
import { Certificate } from './certificate.ts'

const dir = mkdtempSync(join(tmpdir(), 'holdfast-ciphers-'))
after(() => rmSync(dir, { recursive: true, force: true }))

/** With RSA, which has the weakest suites. */
function newPair(name: string) {
  const pair = { certFile: join(dir, `${name}.crt`), keyFile: join(dir, `${name}.key`) }
  const files = ['-keyout', pair.keyFile, '-out', pair.certFile, '-subj', `/CN=${name}`]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files], {
    stdio: 'ignore',
  })
  return pair
}

/** What a client of TLS 1.2 that offers one suite comes to speak, or the reason why it does not. */
async function suiteOf(port: number, suite: string): Promise<string> {
  const ciphers = `${suite}:@SECLEVEL=0`
  const options = { host: '127.0.0.1', port, rejectUnauthorized: false, ciphers }
  return await new Promise(resolve => {
    const socket = connect({ ...options, maxVersion: 'TLSv1.2' }, () => {
      resolve(socket.getCipher().name)
      socket.destroy()
    })
    socket.on('error', error => resolve(error.message))
  })
}

const GOOD = ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-CHACHA20-POLY1305']
/** Without forward secrecy, and with CBC. */
const WEAK = ['AES128-GCM-SHA256', 'AES128-SHA', 'ECDHE-RSA-AES128-SHA', 'ECDHE-RSA-AES256-SHA384']

test('TLS 1.2 speaks suites with forward secrecy and AEAD only, after a renewal too', async () => {
  const [pair, next] = [newPair('first'), newPair('second')]
  const clock = new FakeClock(Date.now())
  const log = openLog(parseSettings({ env: {} }).settings, '1', { write: () => {} })
  const options = { ...pair, minVersion: 'TLSv1.2' } as const
  const certificate = new Certificate(options, { disk: nodeDisk, clock, log })
  const server = certificate.serve({}, (_, response) => response.end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const { port } = address
  const check = async () => {
    for (const suite of GOOD) assert.equal(await suiteOf(port, suite), suite)
    for (const suite of WEAK) assert.match(await suiteOf(port, suite), /handshake failure/, suite)
  }
  try {
    await check()
    copyFileSync(next.certFile, pair.certFile)
    copyFileSync(next.keyFile, pair.keyFile)
    assert.equal(certificate.reload(), true)
    await check()
  } finally {
    server.close()
  }
})
