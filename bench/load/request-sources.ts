import { bodyHash, bodyParts, digitsOf, stampOf, writeDigits } from './bodies.ts'
import type { Exchange, NumberCounter, RequestSource } from './exchange.ts'
import type {
  CallTraffic,
  GetTraffic,
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
    case 'mixed':
      return new MixedSource(traffic, counter, connection)
  }
}

class PutSource implements RequestSource {
  readonly #exchange: Exchange
  readonly #first: Buffer
  readonly #keyAt: number
  readonly #stampAt: number
  readonly #counter: NumberCounter

  constructor(traffic: PutTraffic, counter: NumberCounter) {
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
    }
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

class MixedSource implements RequestSource {
  readonly #put: PutSource
  readonly #get: GetSource
  readonly #putShare: number
  #state: number

  constructor(traffic: MixedTraffic, counter: NumberCounter, connection: number) {
    this.#put = new PutSource(traffic.put, counter)
    this.#get = new GetSource(traffic.get, connection)
    this.#putShare = traffic.putShare
    this.#state = seedOf(connection + 4096)
  }

  next(): Exchange {
    this.#state = mix(this.#state)
    return this.#state / 2 ** 32 < this.#putShare ? this.#put.next() : this.#get.next()
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
