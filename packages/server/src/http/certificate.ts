import { constants, createPrivateKey, hash, X509Certificate } from 'node:crypto'
import type { RequestListener, Server } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import { createSecureContext, type TLSSocket } from 'node:tls'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { Log } from '../telemetry/log.ts'
import { HANDSHAKE_MS } from './connections/held-hellos.ts'
import { cutWhenGone } from './direct/stalled-answers.ts'

export interface CertificateOptions {
  /** PEM, the server's certificate first, then its chain. */
  readonly certFile: string
  /** PEM, without a passphrase. */
  readonly keyFile: string
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
}

interface Loaded {
  readonly cert: Buffer
  readonly key: Buffer
  readonly validFrom: string
  readonly validTo: string
}

/**
 * Of 1.2 only what has forward secrecy and AEAD (RFC 9325 §4.2): by itself Node also speaks suites
 * whose traffic whoever gets hold of the key later can read, and those with CBC.
 */
const SUITES = [
  'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305',
].join(':')
const FILE_BYTES_MAX = 1024 * 1024
const RELOAD_MS = 10_000
const GONE_MS = 2_000
const DAY_MS = 86_400_000
const EXPIRY_WARNING_MS = 14 * DAY_MS

/**
 * The certificate that doors serve TLS with (RFC 8446; 1.2 at least, RFC 9325 §3.1.1). Its files
 * are looked at every few seconds: a renewed pair is used from the next handshake on, one that does
 * not fit together is reported and the old one stays, because a renewal writes one after the other.
 */
export class Certificate {
  readonly #options: CertificateOptions
  readonly #parts: { readonly disk: Disk; readonly clock: Clock; readonly log: Log }
  readonly #servers = new Set<ReturnType<typeof createServer>>()
  readonly #connections = new Set<TLSSocket>()
  #loaded: Loaded
  #stamp: string
  #refused = ''
  #warnAgainMs = 0
  /** Refused for its time alone: with the same files it may be the better one later. */
  #untimely: Loaded | undefined

  /** SETTINGS_INVALID when the files are missing, unreadable or not a pair. */
  constructor(
    options: CertificateOptions,
    parts: { readonly disk: Disk; readonly clock: Clock; readonly log: Log },
  ) {
    this.#options = options
    this.#parts = parts
    this.#stamp = this.#stampNow()
    this.#loaded = this.#load()
    this.#warnOfExpiry()
  }

  /** When clients begin to refuse it, Unix milliseconds. */
  get validToMs(): number {
    return Date.parse(this.#loaded.validTo)
  }

  /** A server of TLS that follows the files for as long as it listens. */
  serve(options: ServerOptions, listener: RequestListener): Server {
    const tls = { ...this.#context(), handshakeTimeout: HANDSHAKE_MS }
    const server = createServer({ ...options, ...tls }, listener)
    endWhoChangesKeys(server)
    this.#servers.add(server)
    server.once('close', () => this.#servers.delete(server))
    server.on('secureConnection', socket => {
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
    })
    return server
  }

  /** Follows the files, and looks for clients that are gone, until the signal. */
  async watch(signal: AbortSignal): Promise<void> {
    const cut = () => {
      for (const connection of this.#connections) cutWhenGone(connection)
    }
    await Promise.all([
      this.#again(RELOAD_MS, signal, () => this.reload()),
      this.#again(GONE_MS, signal, cut),
    ])
  }

  async #again(everyMs: number, signal: AbortSignal, act: () => void): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#parts.clock.sleep(everyMs, signal)
      } catch {
        return
      }
      act()
    }
  }

  /** Takes the files as they are now, if they changed; true when a new pair is in use. */
  reload(): boolean {
    const { log } = this.#parts
    if (this.#parts.clock.now() >= this.#warnAgainMs) this.#warnOfExpiry()
    const stamp = this.#stampNow()
    // Gone back to what is in use: the next trouble is told, also if it is that of before.
    if (stamp === this.#stamp) this.#refused = ''
    if (stamp === this.#stamp) return false
    if (stamp === this.#refused && (!this.#untimely || this.#isWorse(this.#untimely))) return false
    this.#untimely = undefined
    try {
      const loaded = this.#load()
      this.#requireNoWorse(loaded)
      this.#loaded = loaded
    } catch (error) {
      this.#refused = stamp
      log.error({ error }, 'the renewed certificate cannot be used; the old one stays')
      return false
    }
    this.#stamp = stamp
    for (const server of this.#servers) server.setSecureContext(this.#context())
    log.info({ valid_to: this.#loaded.validTo }, 'certificate renewed')
    this.#warnOfExpiry()
    return true
  }

  #requireNoWorse(next: Loaded): void {
    if (!this.#isWorse(next)) return
    this.#untimely = next
    throw problemOf('TLS_CERT_FILE', 'has ended or not begun, while the one in use is good')
  }

  /** Clients refuse one that has ended or not begun: while the old one is good, that is kept. */
  #isWorse(next: Loaded): boolean {
    const nowMs = this.#parts.clock.now()
    const isGood = ({ validFrom, validTo }: Loaded) => {
      return Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo)
    }
    return !isGood(next) && isGood(this.#loaded)
  }

  /**
   * No client shakes hands again on a connection of TLS 1.2 (RFC 9325 §3.5; 1.3 has no such thing):
   * one that leaves meanwhile is not told to us, and its request would be at work for ever.
   */
  #context(): Pick<ServerOptions, 'cert' | 'key' | 'minVersion' | 'secureOptions' | 'ciphers'> {
    const { cert, key } = this.#loaded
    const secureOptions = constants.SSL_OP_NO_RENEGOTIATION
    const { minVersion } = this.#options
    return { cert, key, minVersion, secureOptions, ciphers: SUITES }
  }

  #load(): Loaded {
    const { certFile, keyFile } = this.#options
    const cert = this.#read('TLS_CERT_FILE', certFile)
    const key = this.#read('TLS_KEY_FILE', keyFile)
    const certificate = parsed('TLS_CERT_FILE', () => new X509Certificate(cert))
    const privateKey = parsed('TLS_KEY_FILE', () => createPrivateKey(key))
    if (!certificate.checkPrivateKey(privateKey)) {
      throw problemOf('TLS_KEY_FILE', 'is not the key of the certificate')
    }
    // Reads what follows the first certificate, too, before a server that listens is given it.
    parsed('TLS_CERT_FILE', () => createSecureContext({ cert, key }))
    const { validFrom, validTo } = certificate
    return { cert, key, validFrom: isoTime(validFrom), validTo: isoTime(validTo) }
  }

  #read(setting: string, path: string): Buffer {
    const bytes = contentOf(this.#parts.disk, path)
    if (bytes === undefined) throw problemOf(setting, 'names a file that cannot be read')
    return bytes
  }

  #stampNow(): string {
    const { certFile, keyFile } = this.#options
    return [certFile, keyFile].map(path => stampOf(this.#parts.disk, path)).join(' ')
  }

  /** At the start, for each new one, and daily: servers run for longer than certificates. */
  #warnOfExpiry(): void {
    const { clock, log } = this.#parts
    const nowMs = clock.now()
    this.#warnAgainMs = nowMs + DAY_MS
    const told = { valid_to: this.#loaded.validTo }
    if (nowMs > this.validToMs) log.error(told, 'the certificate has ended: clients refuse it')
    else if (this.validToMs - nowMs <= EXPIRY_WARNING_MS) {
      log.warn(told, 'the certificate expires soon')
    }
  }
}

const KEY_CHANGES_MAX = 128
/** How OpenSSL names it in what it would log; the line is kept nowhere. */
const KEY_CHANGE = Buffer.from('CLIENT_TRAFFIC_SECRET_N ')

/**
 * Clients of TLS 1.3 may change keys at any time (RFC 8446 §4.6.3), and do after a hundred
 * gigabytes: 5 TiB take some forty changes. Megabytes of nothing else are worked off in a turn, in
 * which nobody is served: who asks again and again is ended, before the next part of that is read.
 */
function endWhoChangesKeys(server: ReturnType<typeof createServer>): void {
  const changes = new WeakMap<TLSSocket, number>()
  server.on('keylog', (line, socket) => {
    if (!line.subarray(0, KEY_CHANGE.length).equals(KEY_CHANGE)) return
    const count = (changes.get(socket) ?? 0) + 1
    changes.set(socket, count)
    if (count > KEY_CHANGES_MAX) socket.destroy()
  })
}

function isoTime(text: string): string {
  return new Date(text).toISOString()
}

/**
 * What the file holds tells whether it changed: certbot and Kubernetes exchange files behind links,
 * whose own times say nothing.
 */
function stampOf(disk: Disk, path: string): string {
  const bytes = contentOf(disk, path)
  return bytes === undefined ? 'unreadable' : hash('sha256', bytes, 'hex')
}

function contentOf(disk: Disk, path: string): Buffer | undefined {
  try {
    const file = disk.open(path, 'read')
    try {
      const size = file.size()
      if (size > FILE_BYTES_MAX) return undefined
      const bytes = Buffer.alloc(size)
      return bytes.subarray(0, file.read(bytes, 0))
    } finally {
      file.close()
    }
  } catch {
    return undefined
  }
}

function parsed<T>(setting: string, parse: () => T): T {
  try {
    return parse()
  } catch {
    throw problemOf(setting, 'does not hold what it should, as PEM')
  }
}

function problemOf(setting: string, problem: string): Error {
  const errors = [{ path: `STORAGE_${setting}`, problem }]
  return new HoldfastError('SETTINGS_INVALID', { errors })
}
