import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import { Client, type Entry, ResultCodeError, type SearchOptions } from 'ldapts'
import type { LdapOptions } from './ldap-options.ts'
import { AnswerTooLong, endOf, Messages, PIECES_MAX } from './messages.ts'
import { PageControl } from './page-control.ts'

/** To one question. A hundred people, or thousands of groups, are some hundred KiB. */
const ANSWER_BYTES_MAX = 2 * 1024 * 1024

/**
 * A question was taken and not answered, or with an error: with another question it may go well,
 * so this is no proof that the directory is down.
 */
export class Unanswered extends Error {
  /** Not a byte came. */
  readonly isSilence: boolean

  constructor(cause: unknown, { isSilence }: { readonly isSilence: boolean }) {
    // Of answers, the library has little more than the name.
    const name = cause instanceof ResultCodeError ? `: ${cause.name}` : ''
    super(`the directory did not answer${name}`, { cause })
    this.isSilence = isSilence
  }
}

/** sizeLimitExceeded (RFC 4511 §4.1.9): a part was given, and a part proves nothing. */
const SIZE_LIMIT_EXCEEDED = 4
/** invalidCredentials. */
const INVALID_CREDENTIALS = 49
/** busy, unavailable: the directory says so of itself, whatever it was asked. */
const DOWN: ReadonlySet<number> = new Set([51, 52])

/**
 * One connection for one purpose. The library would connect again by itself when the connection
 * breaks, then without the TLS and the rights that were set up on it; here a second one is an
 * error, so that no password leaves in the clear and no empty answer is taken for true.
 */
export class LdapConnection implements AsyncDisposable {
  readonly #client: Client
  readonly #options: LdapOptions
  readonly #sockets: Socket[] = []
  /** What came before TLS, where TLS is started; nobody vouches for it. */
  readonly #heardInTheClear: Buffer[] = []
  /** Bytes since the last question. */
  #heard = 0
  #isBroken = false
  /** Why the connection was left. */
  #fault: unknown
  /** Where the next page begins; empty where there is none. */
  #nextPage: Buffer = Buffer.alloc(0)

  private constructor(options: LdapOptions) {
    this.#options = options
    const bound = (socket: Socket) => this.#bound(socket)
    const isTls = options.url.startsWith('ldaps:')
    const { timeoutMs } = options
    this.#client = new Client({
      url: options.url,
      timeout: timeoutMs,
      connectTimeout: timeoutMs,
      createConnection: this.#once(connect, socket => {
        // Before it hears no more than whole messages.
        if (options.startTls) socket.on('data', chunk => this.#hearInTheClear(chunk))
        bound(socket)
      }),
      createSecureConnection: this.#once(connectTls, bound),
      ...(isTls ? { tlsOptions: tlsOf(options) } : {}),
    })
  }

  /** With TLS where it is due, not bound yet; `signal` breaks it, whatever it is asked then. */
  static async open(options: LdapOptions, signal: AbortSignal): Promise<LdapConnection> {
    const connection = new LdapConnection(options)
    signal.addEventListener('abort', () => connection.#break())
    try {
      if (options.startTls) {
        const plain = connection.#heardInTheClear
        await connection.#client.startTLS(tlsOf(options))
        // The library would read the rest as the beginning of what comes over TLS.
        if (!isOneMessage(Buffer.concat(plain))) throw new Error('more came than the answer')
      }
      return connection
    } catch (error) {
      await connection[Symbol.asyncDispose]()
      throw unavailable(error)
    }
  }

  async bind(dn: string, password: string): Promise<void> {
    this.#heard = 0
    await this.#client.bind(dn, password)
  }

  /** As the one who searches, or as nobody where none is set. */
  async bindService(): Promise<void> {
    const { service } = this.#options
    if (service === undefined) return
    const { password } = service
    try {
      await this.bind(service.dn, password)
    } catch (error) {
      if (!(error instanceof ResultCodeError && error.code === INVALID_CREDENTIALS)) throw error
      // It may have been changed on both sides since. Never more than one guess beyond the first.
      service.renew?.()
      if (service.password === password) throw error
      await this.bind(service.dn, service.password)
    }
  }

  async search(base: string, options: SearchOptions): Promise<Entry[]> {
    const timeLimit = Math.ceil(this.#options.timeoutMs / 1000)
    this.#heard = 0
    const { isConnected } = this.#client
    const wanted = { scope: 'sub', derefAliases: 'never', timeLimit, ...options } as const
    try {
      return await this.#pages(base, wanted)
    } catch (cause) {
      const code = cause instanceof ResultCodeError ? cause.code : undefined
      const isTooLong = this.#heard > ANSWER_BYTES_MAX || this.#fault instanceof AnswerTooLong
      if (isTooLong || code === SIZE_LIMIT_EXCEEDED) {
        throw new AnswerTooLong('the answer is too long', { cause })
      }
      // Without an account of the service the first question is what connects.
      const isNever = !isConnected && this.#heard === 0
      if (code === undefined ? isNever : DOWN.has(code)) throw cause
      throw new Unanswered(cause, { isSilence: this.#heard === 0 })
    }
  }

  /** The library would end with a page that holds nothing, whatever follows it (RFC 2696 §3). */
  async #pages(base: string, { paged, ...wanted }: SearchOptions): Promise<Entry[]> {
    const entries: Entry[] = []
    this.#nextPage = Buffer.alloc(0)
    do {
      const controls = paged ? [new PageControl(this.#nextPage)] : []
      this.#nextPage = Buffer.alloc(0)
      const { searchEntries } = await this.#client.search(base, wanted, controls)
      for (const entry of searchEntries) entries.push(entry)
    } while (paged && this.#nextPage.length > 0)
    return entries
  }

  /** Of more pieces than this the first ones are no whole message, and that is an error. */
  #hearInTheClear(chunk: Buffer): void {
    if (this.#heardInTheClear.length < PIECES_MAX) this.#heardInTheClear.push(chunk)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A peer that says nothing must not keep the socket.
    const silent = this.#client.unbind().catch(() => {})
    await Promise.race([silent, new Promise(resolve => setImmediate(resolve))])
    this.#break()
  }

  #break(): void {
    this.#isBroken = true
    for (const socket of this.#sockets) socket.destroy()
  }

  /** What is not whole yet is kept, so a directory that goes on would fill the memory. */
  #bound(socket: Socket): void {
    socket.on('data', chunk => {
      this.#heard += chunk.length
      if (this.#heard > ANSWER_BYTES_MAX) socket.destroy(new Error('the answer is too long'))
    })
    socket.on = new Proxy(socket.on, {
      apply: (target, self, [event, listener]) => {
        const heard = event === 'data' ? this.#whole(socket, listener) : listener
        return Reflect.apply(target, self, [event, heard])
      },
    })
  }

  /** What the library hears; what is no message, or what it throws, breaks the connection. */
  #whole(socket: Socket, listener: (chunk: Buffer) => void) {
    const messages = new Messages()
    const heard = (chunk: Buffer): void => {
      try {
        for (const { bytes, cookie } of messages.read(chunk)) {
          if (socket.destroyed) return
          if (cookie !== undefined) this.#nextPage = cookie
          listener(bytes)
        }
      } catch (error) {
        this.#fault = error
        socket.destroy(new Error('the answer cannot be read', { cause: error }))
      }
    }
    // By this name `removeListener` knows whose it is.
    return Object.assign(heard, { listener })
  }

  #once<Open extends typeof connect | typeof connectTls>(
    open: Open,
    opened: (socket: Socket) => void,
  ): Open {
    let isUsed = false
    return new Proxy(open, {
      apply: (target, self, args) => {
        if (isUsed || this.#isBroken) throw new Error('the connection to the directory broke')
        isUsed = true
        const socket: Socket = Reflect.apply(target, self, args)
        this.#sockets.push(socket)
        opened(socket)
        return socket
      },
    })
  }
}

/** The answer to StartTLS and not one byte more (RFC 4511 §4.14.2). */
function isOneMessage(bytes: Buffer): boolean {
  return endOf(bytes) === bytes.length
}

/** TLS 1.2 at least, and the certificate must be that of the host of the settings. */
function tlsOf({ url, ca }: LdapOptions): ConnectionOptions {
  const host = new URL(url).hostname.replaceAll(/^\[|\]$/g, '')
  const named = /^[\d.]+$|:/.test(host) ? {} : { servername: host }
  const trusted = ca === undefined ? {} : { ca }
  return { host, ...named, ...trusted, minVersion: 'TLSv1.2', rejectUnauthorized: true }
}

export function unavailable(error: unknown): HoldfastError {
  if (isHoldfastError(error)) return error
  return new HoldfastError('IDENTITY_UNAVAILABLE', {}, { cause: error })
}
