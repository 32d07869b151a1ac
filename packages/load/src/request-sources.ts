import { bodyHash, bodyMd5, bodyParts, digitsOf, stampOf, writeDigits } from './bodies.ts'
import type { Exchange, NumberCounter, RequestSource } from './exchange.ts'
import type {
  CallTraffic,
  GetTraffic,
  HeadTraffic,
  LoadPlan,
  Method,
  MixedTraffic,
  Place,
  PutTraffic,
} from './load-plan.ts'
import { S3Signature } from './s3-signature.ts'

const inlineBytesMax = 256 * 1024
const found: readonly number[] = [200]
const MD5_PLACEHOLDER = `${'0'.repeat(22)}==`

export function requestSource(
  { traffic, host }: Pick<LoadPlan, 'traffic' | 'host'>,
  counter: NumberCounter,
  connection: number,
): RequestSource {
  const heads = new Heads(host ?? '127.0.0.1')
  switch (traffic.kind) {
    case 'put':
      return new PutSource(traffic, { counter, heads })
    case 'get':
      return new GetSource(traffic, { connection, heads })
    case 'head':
      return new HeadSource(traffic, { connection, heads })
    case 'call':
      return new CallSource(traffic, { connection, heads })
    case 'mixed':
      return new MixedSource(traffic, { counter, connection, heads })
  }
}

class PutSource implements RequestSource {
  readonly #exchange: Exchange
  readonly #first: Buffer
  readonly #named: NamedHead
  readonly #stampAt: number
  readonly #counter: NumberCounter
  readonly #traffic: PutTraffic
  readonly #md5At: number

  constructor(
    traffic: PutTraffic,
    { counter, heads }: { readonly counter: NumberCounter; readonly heads: Heads },
  ) {
    const { sizeBytes, tag } = traffic
    const head = heads.bytes('PUT', traffic, sizeBytes)
    this.#traffic = traffic
    this.#md5At = head.indexOf(MD5_PLACEHOLDER, 0, 'latin1')
    this.#stampAt = head.length + tag.length
    this.#counter = counter
    const stamp = Buffer.from(stampOf(tag, 0), 'latin1')
    const parts = bodyParts(sizeBytes)
    const whole = sizeBytes <= inlineBytesMax
    this.#first = Buffer.concat(whole ? [head, stamp, ...parts] : [head, stamp])
    this.#named = heads.named('PUT', traffic, this.#first)
    this.#exchange = {
      ...plain('PUT'),
      chunks: whole ? [this.#first] : [this.#first, ...parts],
      statuses: traffic.statuses,
      payloadBytes: sizeBytes,
    }
  }

  next(): Exchange {
    return this.nextOf(this.#counter.value++)
  }

  nextOf(number: number): Exchange {
    this.#named.write(number)
    writeDigits(this.#first, this.#stampAt, number)
    if (this.#traffic.tellsMd5 === true) this.#first.write(this.#md5Of(number), this.#md5At)
    return this.#exchange
  }

  #md5Of(number: number): string {
    const { firstNumber, tag, sizeBytes } = this.#traffic
    return this.#counter.md5s[number - firstNumber] ?? bodyMd5(stampOf(tag, number), sizeBytes)
  }
}

class GetSource implements RequestSource {
  readonly #traffic: GetTraffic
  readonly #chunks: readonly Buffer[]
  readonly #named: NamedHead
  #state: number
  #made = 0

  constructor(
    traffic: GetTraffic,
    { connection, heads }: { readonly connection: number; readonly heads: Heads },
  ) {
    this.#traffic = traffic
    const head = heads.bytes('GET', traffic)
    this.#chunks = [head]
    this.#named = heads.named('GET', traffic, head)
    this.#state = seedOf(connection)
  }

  next(): Exchange {
    const { sizeBytes, tag, firstNumber, count, hashEvery } = this.#traffic
    this.#state = mix(this.#state)
    const number = firstNumber + (this.#state % count)
    this.#named.write(number)
    const stamp = stampOf(tag, number)
    const hashed = hashEvery > 0 && this.#made % hashEvery === 0
    this.#made += 1
    return {
      ...plain('GET'),
      chunks: this.#chunks,
      answerBytes: sizeBytes,
      stamp,
      hash: hashed ? bodyHash(stamp, sizeBytes) : undefined,
      payloadBytes: sizeBytes,
    }
  }
}

class HeadSource implements RequestSource {
  readonly #traffic: HeadTraffic
  readonly #named: NamedHead
  readonly #exchange: Exchange
  #state: number

  constructor(
    traffic: HeadTraffic,
    { connection, heads }: { readonly connection: number; readonly heads: Heads },
  ) {
    this.#traffic = traffic
    const head = heads.bytes('HEAD', traffic)
    this.#named = heads.named('HEAD', traffic, head)
    this.#state = seedOf(connection)
    const { sizeBytes } = traffic
    this.#exchange = {
      ...plain('HEAD'),
      chunks: [head],
      hasBody: false,
      headBytes: sizeBytes,
    }
  }

  next(): Exchange {
    const { firstNumber, count } = this.#traffic
    this.#state = mix(this.#state)
    this.#named.write(firstNumber + (this.#state % count))
    return this.#exchange
  }
}

class CallSource implements RequestSource {
  readonly #exchanges: readonly Exchange[]
  #at: number

  constructor(
    traffic: CallTraffic,
    { connection, heads }: { readonly connection: number; readonly heads: Heads },
  ) {
    this.#at = connection
    this.#exchanges = traffic.paths.map(path => ({
      ...plain('GET'),
      chunks: [Buffer.from(heads.call(path, traffic), 'latin1')],
    }))
  }

  next(): Exchange {
    this.#at += 1
    const exchange = this.#exchanges[this.#at % this.#exchanges.length]
    if (exchange === undefined) throw new Error('traffic without a path')
    return exchange
  }
}

/** Reads what was there before; deletes what this run has put. */
class MixedSource implements RequestSource {
  readonly #traffic: MixedTraffic
  readonly #counter: NumberCounter
  readonly #put: PutSource
  readonly #get: GetSource
  readonly #head: HeadSource
  readonly #delete: Buffer
  readonly #named: NamedHead
  #state: number

  constructor(
    traffic: MixedTraffic,
    on: {
      readonly counter: NumberCounter
      readonly connection: number
      readonly heads: Heads
    },
  ) {
    const { counter, connection, heads } = on
    this.#traffic = traffic
    this.#counter = counter
    this.#put = new PutSource(traffic.put, on)
    this.#get = new GetSource(traffic.get, on)
    this.#head = new HeadSource({ ...traffic.get, kind: 'head' }, on)
    this.#delete = heads.bytes('DELETE', traffic.put)
    this.#named = heads.named('DELETE', traffic.put, this.#delete)
    this.#state = seedOf(connection + 4096)
  }

  next(): Exchange {
    this.#state = mix(this.#state)
    const { head, put, delete: removal } = this.#traffic.shares
    const point = this.#state / 2 ** 32
    if (point < put) return this.#nextPut()
    if (point < put + removal) return this.#nextDelete() ?? this.#get.next()
    return point < put + removal + head ? this.#head.next() : this.#get.next()
  }

  #nextPut(): Exchange {
    const number = this.#counter.value++
    const done = () => {
      this.#counter.put.push(number)
    }
    return { ...this.#put.nextOf(number), done }
  }

  #nextDelete(): Exchange | undefined {
    const number = this.#counter.put.pop()
    if (number === undefined) return undefined
    this.#named.write(number)
    const statuses = this.#traffic.deletedStatuses
    return { ...plain('DELETE'), chunks: [this.#delete], statuses }
  }
}

/** An exchange with nothing special about it. */
function plain(method: Method): Omit<Exchange, 'chunks'> {
  return {
    method,
    statuses: found,
    answerBytes: undefined,
    stamp: undefined,
    hash: undefined,
    payloadBytes: 0,
    hasBody: true,
    headBytes: 0,
  }
}

/** Heads of requests to one host. */
class Heads {
  readonly #host: string
  /** One for all heads of a run: they hold its time. */
  #signature: S3Signature | undefined

  constructor(host: string) {
    this.#host = host.includes(':') ? `[${host}]` : host
  }

  bytes(method: Method, place: Place, lengthBytes?: number): Buffer {
    const signed = this.#signatureFor(place)?.headers
    const length = lengthBytes === undefined ? {} : { 'Content-Length': String(lengthBytes) }
    const tellsMd5 = method === 'PUT' && place.tellsMd5 === true
    const md5 = tellsMd5 ? { 'Content-MD5': MD5_PLACEHOLDER } : {}
    const headers = { ...place.headers, ...signed, ...length, ...md5 }
    return Buffer.from(this.#text(method, place.pathPrefix + digitsOf(0), headers), 'latin1')
  }

  named(method: Method, place: Place, head: Buffer): NamedHead {
    return new NamedHead({ method, place, head, signature: this.#signatureFor(place) })
  }

  call(path: string, traffic: CallTraffic): string {
    const signed = this.#signatureFor(traffic)?.headersOf('GET', path)
    return this.#text('GET', path, { ...traffic.headers, ...signed })
  }

  #text(method: Method, path: string, headers: Readonly<Record<string, string>>): string {
    const lines = Object.entries({ Host: this.#host, ...headers })
    const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    return `${method} ${path} HTTP/1.1\r\n${text}\r\n`
  }

  #signatureFor({ signer }: Pick<Place, 'signer'>): S3Signature | undefined {
    if (signer === undefined) return undefined
    this.#signature ??= new S3Signature(signer, this.#host)
    return this.#signature
  }
}

interface HeadParts {
  readonly method: Method
  readonly place: Place
  readonly head: Buffer
  readonly signature: S3Signature | undefined
}

/** A head whose object is another one each time, signed anew where the server wants that. */
class NamedHead {
  readonly #parts: HeadParts
  readonly #keyAt: number
  readonly #signatureAt: number

  constructor(parts: HeadParts) {
    const { method, place, head, signature } = parts
    this.#parts = parts
    this.#keyAt = method.length + 1 + Buffer.byteLength(place.pathPrefix, 'latin1')
    this.#signatureAt = signature === undefined ? -1 : S3Signature.slotIn(head)
  }

  write(number: number): void {
    const { method, place, head, signature } = this.#parts
    writeDigits(head, this.#keyAt, number)
    if (signature === undefined) return
    const text = signature.of(method, place.pathPrefix + digitsOf(number))
    head.write(text, this.#signatureAt, 'latin1')
  }
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
