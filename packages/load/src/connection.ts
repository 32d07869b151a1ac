import { createHash, type Hash } from 'node:crypto'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Exchange, RequestSource } from './exchange.ts'
import type { Tally } from './tally.ts'

const headEnd = '\r\n\r\n'
const headBytesMax = 64 * 1024
/** Read calls fill this one buffer in turn: nothing is allocated for an answer. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024)

export interface Run {
  readonly port: number
  readonly tally: Tally
  readonly host: string
  readonly tls: boolean
  /** Whether one more operation may start at this time. */
  mayStart(now: number): boolean
}

/** One keep-alive connection that sends the next request when the answer before is whole. */
export class Connection {
  readonly #run: Run
  readonly #source: RequestSource
  readonly #socket: Socket
  readonly #ended = Promise.withResolvers<void>()
  readonly #opened = Promise.withResolvers<void>()
  #exchange: Exchange | undefined
  #sentAt = 0
  #head = ''
  #leftBytes = -1
  #stampChecked = false
  #hash: Hash | undefined

  constructor(run: Run, source: RequestSource) {
    this.#run = run
    this.#source = source
    const callback = (count: number) => {
      this.#take(readBuffer.subarray(0, count))
      return true
    }
    const { host, port } = run
    if (run.tls) {
      this.#socket = connectTls({ host, port, servername: isIP(host) === 0 ? host : '' })
      this.#socket.on('data', (bytes: Buffer) => this.#take(bytes))
      this.#socket.once('secureConnect', () => this.#opened.resolve())
    } else {
      const onread = { buffer: readBuffer, callback }
      this.#socket = connect({ host, port, noDelay: true, onread })
      this.#socket.once('connect', () => this.#opened.resolve())
    }
    this.#socket.on('error', error => this.#break(`socket: ${codeOf(error)}`))
    this.#socket.on('close', () => this.#break('closed by the server'))
  }

  /** Resolves also when the connection was refused: that is counted as an error. */
  opened(): Promise<void> {
    return this.#opened.promise
  }

  /** Resolves when the run is over and the last answer is there, or the connection is lost. */
  run(): Promise<void> {
    if (!this.#socket.destroyed) this.#send(performance.now())
    return this.#ended.promise
  }

  #send(now: number): void {
    if (!this.#run.mayStart(now)) {
      this.close()
      return
    }
    const exchange = this.#source.next()
    this.#exchange = exchange
    this.#sentAt = now
    this.#run.tally.started += 1
    const [first, ...rest] = exchange.chunks
    if (rest.length === 0 && first !== undefined) {
      this.#socket.write(first)
      return
    }
    this.#socket.cork()
    for (const chunk of exchange.chunks) this.#socket.write(chunk)
    this.#socket.uncork()
  }

  #take(bytes: Buffer): void {
    const exchange = this.#exchange
    if (exchange === undefined) {
      this.#break('bytes without a request')
      return
    }
    const body = this.#leftBytes < 0 ? this.#takeHead(bytes, exchange) : bytes
    if (body === undefined) return
    if (body.length > 0) this.#takeBody(body, exchange)
    if (this.#leftBytes === 0) this.#finish(exchange)
    else if (this.#leftBytes < 0) this.#break('bytes behind the answer')
  }

  /** Returns what follows the head; undefined while the head is not complete, or is wrong. */
  #takeHead(bytes: Buffer, exchange: Exchange): Buffer | undefined {
    const end = this.#head === '' ? bytes.indexOf(headEnd, 0, 'latin1') : -1
    if (end >= 0)
      return this.#startBody(bytes.toString('latin1', 0, end), bytes.subarray(end + 4), exchange)
    this.#head += bytes.toString('latin1')
    const slowEnd = this.#head.indexOf(headEnd)
    if (slowEnd < 0) {
      if (this.#head.length > headBytesMax) this.#break('head too long')
      return undefined
    }
    const rest = Buffer.from(this.#head.slice(slowEnd + 4), 'latin1')
    const head = this.#head.slice(0, slowEnd)
    this.#head = ''
    return this.#startBody(head, rest, exchange)
  }

  #startBody(head: string, rest: Buffer, exchange: Exchange): Buffer | undefined {
    const status = Number(head.slice(9, 12))
    if (!exchange.statuses.includes(status)) {
      const body = rest.toString('latin1', 0, 160).replaceAll(/\s+/g, ' ')
      this.#break(`status ${status} ${body}`)
      return undefined
    }
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    if (length === undefined && status !== 204) {
      this.#break('no content length')
      return undefined
    }
    this.#leftBytes = exchange.hasBody ? Number(length ?? 0) : 0
    if (!exchange.hasBody && Number(length ?? 0) !== exchange.headBytes) {
      this.#break(`length ${length} instead of ${exchange.headBytes}`)
      return undefined
    }
    const { answerBytes } = exchange
    if (answerBytes !== undefined && this.#leftBytes !== answerBytes) {
      this.#break(`length ${this.#leftBytes} instead of ${answerBytes}`)
      return undefined
    }
    this.#stampChecked = exchange.stamp === undefined
    this.#hash = exchange.hash === undefined ? undefined : createHash('sha256')
    return rest
  }

  #takeBody(body: Buffer, exchange: Exchange): void {
    this.#leftBytes -= body.length
    if (!this.#stampChecked) {
      const stamp = exchange.stamp ?? ''
      const found = body.toString('latin1', 0, Math.min(stamp.length, body.length))
      if (!stamp.startsWith(found)) this.#run.tally.fail(`body of ${found}, not of ${stamp}`)
      this.#stampChecked = true
    }
    this.#hash?.update(body)
  }

  #finish(exchange: Exchange): void {
    const { tally } = this.#run
    const now = performance.now()
    if (this.#hash !== undefined) {
      tally.hashedAnswers += 1
      if (this.#hash.digest('hex') !== exchange.hash) tally.fail('wrong SHA-256 of a body')
    }
    tally.record(exchange.method, now - this.#sentAt)
    exchange.done?.()
    tally.bytes += exchange.payloadBytes
    tally.lastAt = now
    this.#exchange = undefined
    this.#leftBytes = -1
    this.#send(now)
  }

  close(): void {
    this.#exchange = undefined
    this.#ended.resolve()
    this.#opened.resolve()
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }

  #break(what: string): void {
    this.#run.tally.fail(what)
    this.close()
  }
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message
}
