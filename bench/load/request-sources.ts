import { bodyHash, bodyParts, digitsOf, stampOf, writeDigits } from './bodies.ts'
import type { Exchange, NumberCounter, RequestSource } from './exchange.ts'
import type {
  CallTraffic,
  GetTraffic,
  HeadTraffic,
  MixedTraffic,
  Place,
  PutTraffic,
  Traffic,
} from './load-plan.ts'

const inlineBytesMax = 256 * 1024
const found: readonly number[] = [200]

export function requestSource(
  traffic: Traffic,
  counter: NumberCounter,
  connection: number,
): RequestSource {
  switch (traffic.kind) {
    case 'put':
      return new PutSource(traffic, counter)
    case 'get':
      return new GetSource(traffic, connection)
    case 'call':
      return new CallSource(traffic, connection)
    case 'head':
      return new HeadSource(traffic, connection)
    case 'mixed':
      return new MixedSource(traffic, counter, connection)
    case 'beside':
      return connection < traffic.writers
        ? new PutSource(traffic.put, counter, { unmeasured: true })
        : new GetSource(traffic.get, connection)
  }
}

class PutSource implements RequestSource {
  readonly #exchange: Exchange
  readonly #first: Buffer
  readonly #keyAt: number
  readonly #stampAt: number
  readonly #counter: NumberCounter

  constructor(
    traffic: PutTraffic,
    counter: NumberCounter,
    options: Pick<Exchange, 'unmeasured'> = {},
  ) {
    const { sizeBytes, tag } = traffic
    const head = headBytes('PUT', traffic, sizeBytes)
    this.#keyAt = keyOffset('PUT', traffic)
    this.#stampAt = head.length + tag.length
    this.#counter = counter
    const stamp = Buffer.from(stampOf(tag, 0), 'latin1')
    const parts = bodyParts(sizeBytes)
    const whole = sizeBytes <= inlineBytesMax
    this.#first = Buffer.concat(whole ? [head, stamp, ...parts] : [head, stamp])
    this.#exchange = {
      chunks: whole ? [this.#first] : [this.#first, ...parts],
      statuses: traffic.statuses,
      answerBytes: undefined,
      stamp: undefined,
      hash: undefined,
      payloadBytes: sizeBytes,
      ...options,
    }
  }

  /** The number that the next request takes. */
  get nextNumber(): number {
    return this.#counter.value
  }

  next(): Exchange {
    const number = this.#counter.value
    this.#counter.value += 1
    writeDigits(this.#first, this.#keyAt, number)
    writeDigits(this.#first, this.#stampAt, number)
    return this.#exchange
  }
}

class GetSource implements RequestSource {
  readonly #traffic: GetTraffic
  readonly #head: Buffer
  readonly #chunks: readonly Buffer[]
  readonly #keyAt: number
  #state: number
  #made = 0

  constructor(traffic: GetTraffic, connection: number) {
    this.#traffic = traffic
    this.#head = headBytes('GET', traffic)
    this.#chunks = [this.#head]
    this.#keyAt = keyOffset('GET', traffic)
    this.#state = seedOf(connection)
  }

  next(): Exchange {
    const { sizeBytes, tag, firstNumber, count, hashEvery } = this.#traffic
    this.#state = mix(this.#state)
    const number = firstNumber + (this.#state % count)
    writeDigits(this.#head, this.#keyAt, number)
    const stamp = stampOf(tag, number)
    const hashed = hashEvery > 0 && this.#made % hashEvery === 0
    this.#made += 1
    return {
      chunks: this.#chunks,
      statuses: found,
      answerBytes: sizeBytes,
      stamp,
      hash: hashed ? bodyHash(stamp, sizeBytes) : undefined,
      payloadBytes: sizeBytes,
    }
  }
}

class CallSource implements RequestSource {
  readonly #exchanges: readonly Exchange[]
  #at: number

  constructor(traffic: CallTraffic, connection: number) {
    this.#at = connection
    this.#exchanges = traffic.paths.map(path => ({
      chunks: [Buffer.from(headText('GET', path, traffic.headers), 'latin1')],
      statuses: found,
      answerBytes: undefined,
      stamp: undefined,
      hash: undefined,
      payloadBytes: 0,
    }))
  }

  next(): Exchange {
    this.#at += 1
    return this.#exchanges[this.#at % this.#exchanges.length]!
  }
}

/** Requests without a body, by number. */
class NumberedSource {
  readonly #head: Buffer
  readonly #keyAt: number
  readonly #exchange: Exchange

  constructor(method: 'HEAD' | 'DELETE', place: Place, expected: Partial<Exchange>) {
    this.#head = headBytes(method, place)
    this.#keyAt = keyOffset(method, place)
    this.#exchange = {
      chunks: [this.#head],
      statuses: found,
      answerBytes: undefined,
      stamp: undefined,
      hash: undefined,
      payloadBytes: 0,
      bodiless: true,
      ...expected,
    }
  }

  of(number: number): Exchange {
    writeDigits(this.#head, this.#keyAt, number)
    return this.#exchange
  }
}

class HeadSource implements RequestSource {
  readonly #requests: NumberedSource
  readonly #traffic: Pick<HeadTraffic, 'firstNumber' | 'count'>
  #state: number

  constructor(traffic: Omit<HeadTraffic, 'kind'>, connection: number) {
    this.#traffic = traffic
    this.#requests = new NumberedSource('HEAD', traffic, { answerBytes: traffic.sizeBytes })
    this.#state = seedOf(connection + 8192)
  }

  next(): Exchange {
    this.#state = mix(this.#state)
    return this.#requests.of(this.#traffic.firstNumber + (this.#state % this.#traffic.count))
  }
}

class MixedSource implements RequestSource {
  readonly #put: PutSource
  readonly #get: GetSource
  readonly #head: HeadSource
  readonly #remove: NumberedSource
  readonly #shares: MixedTraffic['shares']
  /** What this connection put and nobody removed yet. */
  readonly #own: number[] = []
  #state: number

  constructor(traffic: MixedTraffic, counter: NumberCounter, connection: number) {
    this.#put = new PutSource(traffic.put, counter)
    this.#get = new GetSource(traffic.get, connection)
    this.#head = new HeadSource(traffic.get, connection)
    this.#remove = new NumberedSource('DELETE', traffic.put, { statuses: [204] })
    this.#shares = traffic.shares
    this.#state = seedOf(connection + 4096)
  }

  next(): Exchange {
    this.#state = mix(this.#state)
    const { get, head, put } = this.#shares
    const draw = this.#state / 2 ** 32
    if (draw < get) return this.#get.next()
    if (draw < get + head) return this.#head.next()
    const own = draw < get + head + put ? undefined : this.#own.shift()
    if (own !== undefined) return this.#remove.of(own)
    if (this.#shares.remove > 0) this.#own.push(this.#put.nextNumber)
    return this.#put.next()
  }
}

function headBytes(method: string, place: Place, lengthBytes?: number): Buffer {
  const headers =
    lengthBytes === undefined
      ? place.headers
      : { ...place.headers, 'Content-Length': String(lengthBytes) }
  return Buffer.from(headText(method, place.pathPrefix + digitsOf(0), headers), 'latin1')
}

function keyOffset(method: string, place: Place): number {
  return method.length + 1 + Buffer.byteLength(place.pathPrefix, 'latin1')
}

function headText(method: string, path: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ Host: '127.0.0.1', ...headers })
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `${method} ${path} HTTP/1.1\r\n${text}\r\n`
}

/** xorshift32: cheap, and two runs ask for the same in the same order. */
function mix(state: number): number {
  let value = state
  value ^= value << 13
  value ^= value >>> 17
  value ^= value << 5
  return value >>> 0
}

function seedOf(connection: number): number {
  return Math.imul(connection + 1, 0x9e3779b1) >>> 0
}
