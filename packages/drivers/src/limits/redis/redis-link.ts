import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'

/** Where a Redis is, and how to be let in. */
export interface RedisAddress {
  /** A Unix socket, or a host and its port. */
  readonly at: { readonly socket: string } | { readonly host: string; readonly port: number }
  readonly tls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
}

/** A Lua program that Redis runs alone, with nothing in between. */
export interface Script {
  readonly text: string
  readonly sha: string
}

export function scriptOf(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** What a limit store needs of Redis. */
export interface ScriptRunner {
  /** Rejects with `RedisFailure`, within the timeout. */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown>
}

/** Why Redis did not do it; one line, without keys, arguments and credentials. */
export class RedisFailure extends Error {
  /** Trying again changes nothing: it answered, and does not let us in. */
  readonly isRefusal: boolean

  constructor(error: unknown) {
    // Not as `cause`: errors of the client carry the command, and that of AUTH the password.
    const text = error instanceof Error ? error.message : String(error)
    super(text.split('\n', 1)[0]?.slice(0, 200) || 'no reason given')
    this.isRefusal = REFUSALS.test(this.message)
  }
}

/** The last but one is what a question of more than ten words gets without a password. */
const REFUSALS =
  /^(WRONGPASS|NOAUTH|NOPERM|ERR (AUTH|invalid password|.*DB index|Protocol error: unauth))/
const RETRY_MS_MAX = 1000
/** Beside the time for one command: a server that is gone without a word must not hold us. */
const SILENT_TIMES = 2

/**
 * One connection, opened with the first command and again whenever it ends. Nothing waits for a
 * connection: a command without one fails at once, and so does one that was under way.
 */
export class RedisLink implements ScriptRunner, AsyncDisposable {
  readonly #address: RedisAddress
  readonly #timeoutMs: number
  #client: Promise<Redis> | undefined
  #trouble: unknown

  constructor(address: RedisAddress, timeoutMs: number) {
    this.#address = address
    this.#timeoutMs = timeoutMs
  }

  async run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    try {
      const client = await this.#connected()
      const rest = [keys.length, ...keys, ...args]
      try {
        return await client.call('EVALSHA', script.sha, ...rest)
      } catch (error) {
        if (!(error instanceof Error) || !isUnknownScript(error)) throw error
        return await client.call('EVAL', script.text, ...rest)
      }
    } catch (error) {
      // What kept the connection from being there says more than that it is not.
      throw new RedisFailure(this.#trouble ?? error)
    }
  }

  async #connected(): Promise<Redis> {
    this.#client ??= this.#open()
    return await this.#client
  }

  async #open(): Promise<Redis> {
    // 60 ms and 10 MiB that a server alone does not need.
    const { Redis } = await import('ioredis')
    const { at, tls, username, password, db } = this.#address
    const client = new Redis({
      ...('socket' in at ? { path: at.socket } : at),
      ...(tls ? { tls: {} } : {}),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      db,
      // Servers and proxies of any age; nothing here needs RESP3.
      protocol: 2,
      connectionName: 'holdfast',
      disableClientInfo: true,
      lazyConnect: true,
      connectTimeout: this.#timeoutMs,
      commandTimeout: this.#timeoutMs,
      socketTimeout: SILENT_TIMES * this.#timeoutMs,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      // A command that may have been done is never done again.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // A replica by now, without room, still loading: no words tell all reasons not to count.
      // Asked for by its name again, where another server may be.
      reconnectOnError: error => !isUnknownScript(error),
      retryStrategy: times => Math.min(50 * times, RETRY_MS_MAX),
    })
    client.on('error', error => {
      this.#trouble = error
    })
    client.on('ready', () => {
      this.#trouble = undefined
    })
    // Until the first attempt has ended, one way or the other; later ones are the client's own.
    await client.connect().catch(error => {
      this.#trouble ??= error
    })
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = await this.#client
    client?.disconnect()
  }
}

/** It is sent as a whole then, over the same connection. */
function isUnknownScript({ message }: Error): boolean {
  return message.startsWith('NOSCRIPT')
}
