import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

/** A real OpenLDAP server with the people and groups of the LDIF files beside this one. */
export interface Slapd extends AsyncDisposable {
  /** Without TLS of its own; StartTLS works. */
  readonly url: string
  readonly tlsUrl: string
  /** PEM of the authority that signed its certificate. */
  readonly ca: string
  readonly caFile: string
  /** LDIF of changes (RFC 2849), made as its administrator. */
  change(ldif: string): Promise<void>
  /** Ends the process; `start` opens the same directory again on the same ports. */
  stop(): Promise<void>
  start(): Promise<void>
}

export const base = 'dc=holdfast,dc=local'
export const reader = {
  dn: `cn=reader,ou=service-accounts,${base}`,
  password: 'reader-test-password',
}

/** Reads as the reader does, and gets one entry of an answer; a test adds it. */
export const limitedReader = {
  dn: `cn=limited,ou=service-accounts,${base}`,
  password: 'limited-pw',
}

/** A reason to skip, or false. */
export function slapdMissing(): string | false {
  const found = ['slapd', 'ldapmodify', 'openssl'].every(name => {
    return spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${name}`]).status === 0
  })
  return found ? false : 'slapd and ldap-utils are not installed'
}

const READY_TRIES = 500

export interface SlapdOptions {
  /** More entries than that in question, and it answers adminLimitExceeded to the reader. */
  readonly uncheckedMax?: number
}

export async function startSlapd(options: SlapdOptions = {}): Promise<Slapd> {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-slapd-'))
  writeCertificates(dir)
  writeDirectory(dir, options)
  const [port, tlsPort] = [await freePort(), await freePort()]
  const url = `ldap://127.0.0.1:${port}`
  const tlsUrl = `ldaps://127.0.0.1:${tlsPort}`
  let ended: (() => Promise<void>) | undefined
  const start = async () => {
    const args = ['-f', join(dir, 'slapd.conf'), '-h', `${url} ${tlsUrl}`, '-d', '0']
    const child = spawn('slapd', args, { env: environment(), stdio: 'ignore' })
    const exit = new Promise(resolve => child.once('exit', resolve))
    ended = async () => {
      child.kill('SIGKILL')
      await exit
    }
    await accepts(port)
  }
  const stop = async () => {
    await ended?.()
    ended = undefined
  }
  await start()
  return {
    ...{ url, tlsUrl, start, stop },
    ca: readFileSync(join(dir, 'ca.crt'), 'utf8'),
    caFile: join(dir, 'ca.crt'),
    change: async ldif => await modify(url, ldif),
    [Symbol.asyncDispose]: async () => {
      await stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function modify(url: string, ldif: string): Promise<void> {
  const args = ['-x', '-H', url, '-D', `cn=root,${base}`, '-w', ROOT_PASSWORD, '-e', 'relax']
  const running = promisify(execFile)('ldapmodify', args)
  running.child.stdin?.end(ldif)
  await running
}

const ROOT_PASSWORD = 'root-test-password'

function environment(): Record<string, string> {
  return { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin` }
}

function writeDirectory(dir: string, options: SlapdOptions): void {
  mkdirSync(join(dir, 'data'))
  writeFileSync(join(dir, 'slapd.conf'), configuration(dir, limitsOf(options)))
  for (const file of ['base-structure.ldif', 'test-users.ldif']) {
    const ldif = join(import.meta.dirname, file)
    execFileSync('slapadd', ['-q', '-f', join(dir, 'slapd.conf'), '-l', ldif], {
      env: environment(),
      stdio: 'pipe',
    })
  }
}

/** Without an index for each part of what is asked every entry is in question. */
function limitsOf({ uncheckedMax }: SlapdOptions): string {
  if (uncheckedMax === undefined) return ''
  const sizes = `size.soft=unlimited size.hard=unlimited size.unchecked=${uncheckedMax}`
  const indexed = 'objectClass,member,uniqueMember,memberUid,uid,entryUUID'
  return `limits dn.exact="${reader.dn}" ${sizes}\nindex ${indexed} eq\n`
}

/**
 * As unkind as a directory may be: a bind without a password succeeds (as nobody), which servers
 * that ask it must not take for a login. Some attributes of Active Directory are known to it.
 */
function configuration(dir: string, limits: string): string {
  const schemas = ['core', 'cosine', 'nis', 'inetorgperson']
  return `${schemas.map(name => `include /etc/ldap/schema/${name}.schema`).join('\n')}
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl'
  EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID'
  EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.146 NAME 'objectSid'
  EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.98 NAME 'primaryGroupID'
  EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.159 NAME 'accountExpires'
  EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.4203.666.1.1 NAME 'windowsPerson' SUP top AUXILIARY
  MAY ( userAccountControl $ accountExpires $ objectGUID $ objectSid $ primaryGroupID ) )
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
allow bind_anon_cred bind_anon_dn
TLSCACertificateFile ${dir}/ca.crt
TLSCertificateFile ${dir}/server.crt
TLSCertificateKeyFile ${dir}/server.key
pidfile ${dir}/slapd.pid
database mdb
suffix "${base}"
rootdn "cn=root,${base}"
rootpw ${ROOT_PASSWORD}
directory ${dir}/data
maxsize 67108864
limits dn.exact="${limitedReader.dn}" size.soft=1 size.hard=1
${limits}overlay ppolicy
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${reader.dn}" read by dn.exact="${limitedReader.dn}" read by * none
`
}

function writeCertificates(dir: string): void {
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const ca = ['-subj', '/CN=Test CA', '-keyout', 'ca.key', '-out', 'ca.crt']
  run('req', '-x509', ...key, '-days', '3650', ...ca)
  run('req', ...key, '-subj', '/CN=slapd', '-keyout', 'server.key', '-out', 'server.csr')
  writeFileSync(join(dir, 'names'), 'subjectAltName=IP:127.0.0.1')
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names']
  run('x509', '-req', '-in', 'server.csr', ...signed, '-days', '3650', '-out', 'server.crt')
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function accepts(port: number): Promise<void> {
  for (let tries = 0; tries < READY_TRIES; tries += 1) {
    const isOpen = await new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isOpen) return
    await delay(20)
  }
  throw new Error('slapd does not listen')
}
