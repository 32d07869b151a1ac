import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import { type Pair, sign } from '../../access/s3/sign.ts'
import type { Asked } from '../../access/wire.ts'
import { apiKey } from '../../target/holdfast-process.ts'

export const doors = ['rest', 's3', 'metrics'] as const
export type DoorName = (typeof doors)[number]

export const pair: Pair = {
  id: 'TORTUREKEY0000000002',
  secret: 'torture-secret-connections-0123456789',
}
export const bucket = 'holdfast'
/** Written before the storm and asked for during it; the last is more than kernels keep. */
export const bodiesBefore = [0, 1, 4096, 70_000, 4 * 1024 * 1024]
export const assets = `/api/v2/buckets/${bucket}/assets`

/** What a request is made of, besides its seed. */
export interface Draw {
  readonly random: SeededRandom
  /** Where what it writes goes: `whole/…` tells its bytes, `mangled/…` may hold anything. */
  readonly folder: 'whole' | 'mangled'
  /** No other connection has this number. */
  readonly number: number
  readonly nowMs: number
}

/** A kind of request; bytes as a program, or somebody else, would send them. */
export interface Kind {
  readonly name: string
  readonly make: (draw: Draw) => Buffer
  /** Whoever sends it whole and waits is answered; what is not said here may be closed instead. */
  readonly answered: boolean
}

export function keyBefore(at: number): string {
  return `before/${at + 1}-${bodiesBefore[at]}`
}

const crlf = (...lines: readonly string[]) => `${lines.join('\r\n')}\r\n`
const bytes = (...parts: readonly (string | Uint8Array)[]) =>
  Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))

function answered(name: string, make: Kind['make']): Kind {
  return { name, make, answered: true }
}

function perhaps(name: string, make: Kind['make']): Kind {
  return { name, make, answered: false }
}

/** Head of a REST request of the administrator. */
function rest(line: string, ...headers: readonly string[]): string {
  return crlf(`${line} HTTP/1.1`, 'Host: holdfast', `X-API-Key: ${apiKey}`, ...headers, '')
}

function bodyOf({ random, number }: Draw, most = 90_000): Uint8Array {
  return makeBody(number, random.below(random.pick([4, 4000, most])))
}

function place({ folder, number }: Draw, body: Uint8Array): string {
  return `${folder}/${number}-${body.length}`
}

function before({ random }: Draw): string {
  return keyBefore(random.below(bodiesBefore.length))
}

function putRest(...headers: readonly string[]): Kind['make'] {
  return draw => putWhole(draw, bodyOf(draw), headers)
}

function putWhole(draw: Draw, body: Uint8Array, headers: readonly string[] = []): Buffer {
  const length = `Content-Length: ${body.length}`
  return bytes(rest(`PUT ${assets}/${place(draw, body)}`, length, ...headers), body)
}

/** RFC 9112 §7.1, with extensions and trailers now and then. */
function chunked(body: Uint8Array, random: SeededRandom): Buffer {
  const parts: (string | Uint8Array)[] = []
  for (let at = 0; at < body.length; ) {
    const size = Math.min(body.length - at, 1 + random.below(30_000))
    const extension = random.chance(0.1) ? ';of=nobody' : ''
    parts.push(`${size.toString(16)}${extension}\r\n`, body.subarray(at, at + size), '\r\n')
    at += size
  }
  return bytes(...parts, random.chance(0.2) ? '0\r\nX-Late: 1\r\n\r\n' : '0\r\n\r\n')
}

/** Too much for memory: it is received in a file, and weighs on its quota while it comes. */
function largeBodyOf({ random, number }: Draw): Uint8Array {
  return makeBody(number, 300_000 + random.below(1_500_000))
}

function putChunked(draw: Draw, body = bodyOf(draw)): Buffer {
  const head = rest(`PUT ${assets}/${place(draw, body)}`, 'Transfer-Encoding: chunked')
  return bytes(head, chunked(body, draw.random))
}

function form(draw: Draw): Buffer {
  const boundary = 'torture-form'
  const part = (head: string) =>
    crlf(`--${boundary}`, `Content-Disposition: form-data; ${head}`, '')
  const body = bodyOf(draw, 9000)
  const content = bytes(
    crlf(`${part('name="key"')}mangled/form-${draw.number}`),
    part('name="file"; filename="a.txt"'),
    body,
    crlf('', `--${boundary}--`),
  )
  const type = `Content-Type: multipart/form-data; boundary=${boundary}`
  return bytes(rest(`POST ${assets}`, type, `Content-Length: ${content.length}`), content)
}

function json(line: string, value: unknown): Buffer {
  const text = JSON.stringify(value)
  const length = `Content-Length: ${Buffer.byteLength(text)}`
  return bytes(rest(line, 'Content-Type: application/json', length), text)
}

const restKinds: readonly Kind[] = [
  answered('get', draw => bytes(rest(`GET ${assets}/${before(draw)}`))),
  answered('get the long way', draw => bytes(rest(`GET ${assets}/${before(draw)}?`))),
  answered('range', draw => bytes(rest(`GET ${assets}/${before(draw)}`, 'Range: bytes=0-99'))),
  answered('head', draw => bytes(rest(`HEAD ${assets}/${before(draw)}`))),
  answered('list', () => bytes(rest(`GET ${assets}?limit=100`))),
  answered('live', () => bytes(rest('GET /health/live'))),
  answered('put', putRest()),
  answered('put of a type', putRest('Content-Type: text/plain', 'X-Checksum: none')),
  answered('put after leave', putRest('Expect: 100-continue')),
  answered('put in chunks', draw => putChunked(draw)),
  answered('put of much', draw => putWhole(draw, largeBodyOf(draw))),
  answered('put of much in chunks', draw => putChunked(draw, largeBodyOf(draw))),
  answered('form', form),
  answered('delete', ({ number }) => bytes(rest(`DELETE ${assets}/mangled/${number}`))),
  answered('json', () => json('POST /api/v2/buckets', { name: 'Not A Name' })),
  answered('wrong key', () =>
    bytes(crlf(`GET ${assets} HTTP/1.1`, 'Host: x', 'X-API-Key: hf_wrong', '')),
  ),
]

function signed(
  mode: Parameters<typeof sign>[1]['mode'],
  plain: (draw: Draw) => Parameters<typeof sign>[0],
): Kind['make'] {
  return draw => {
    const asked = sign(plain(draw), { pair, mode, host: 'holdfast', nowMs: draw.nowMs })
    return wireBytes(asked)
  }
}

function wireBytes({ method, path, headers = {}, body }: Asked): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const length = body === undefined ? [] : [`Content-Length: ${body.length}`]
  return bytes(crlf(`${method} ${path} HTTP/1.1`, ...lines, ...length, ''), body ?? '')
}

function putS3(
  mode: Parameters<typeof sign>[1]['mode'],
  { expect = false, make = bodyOf }: { expect?: boolean; make?: (draw: Draw) => Uint8Array } = {},
): Kind['make'] {
  return signed(mode, draw => {
    const body = make(draw)
    const headers = expect ? { headers: { expect: '100-continue' } } : {}
    return { method: 'PUT', path: `/${bucket}/${place(draw, body)}`, ...headers, body }
  })
}

const s3Kinds: readonly Kind[] = [
  answered(
    'get object',
    signed('header', draw => ({ method: 'GET', path: `/${bucket}/${before(draw)}` })),
  ),
  answered(
    'get by link',
    signed('query', draw => ({ method: 'GET', path: `/${bucket}/${before(draw)}` })),
  ),
  answered(
    'list objects',
    signed('header', () => ({ method: 'GET', path: `/${bucket}`, query: { 'list-type': '2' } })),
  ),
  answered('put object', putS3('header')),
  answered('put unsigned', putS3('unsigned')),
  answered('put in signed chunks', putS3('chunks')),
  answered('put with a trailer', putS3('trailer')),
  answered('put object after leave', putS3('chunks', { expect: true })),
  answered('put much in signed chunks', putS3('chunks', { make: largeBodyOf })),
  answered(
    'begin parts',
    signed('header', ({ number }) => ({
      method: 'POST',
      path: `/${bucket}/mangled/parts-${number}`,
      query: { uploads: '' },
    })),
  ),
  answered(
    'part of nothing',
    signed('unsigned', draw => ({
      method: 'PUT',
      path: `/${bucket}/mangled/parts`,
      query: { partNumber: '1', uploadId: 'none' },
      body: bodyOf(draw),
    })),
  ),
  answered(
    'delete objects',
    signed('unsigned', ({ number }) => ({
      method: 'POST',
      path: `/${bucket}`,
      query: { delete: '' },
      body: `<Delete><Object><Key>mangled/${number}</Key></Object></Delete>`,
    })),
  ),
  answered('anonymous', () => bytes(crlf(`GET /${bucket}/x HTTP/1.1`, 'Host: x', ''))),
]

const metricsKinds: readonly Kind[] = [
  answered('metrics', () => bytes(crlf('GET /metrics HTTP/1.1', 'Host: x', ''))),
  answered('metrics with a body', draw => {
    const body = bodyOf(draw)
    const length = `Content-Length: ${body.length}`
    return bytes(crlf('POST /metrics HTTP/1.1', 'Host: x', length, ''), body)
  }),
  answered('no metrics', () => bytes(crlf('GET / HTTP/1.1', 'Host: x', ''))),
]

/** What every port of HTTP is told sooner or later. */
function strangeKinds(door: DoorName, kinds: readonly Kind[]): readonly Kind[] {
  const any = (draw: Draw) => draw.random.pick(kinds).make(draw)
  const host = ['Host: holdfast']
  const line = (text: string, ...headers: readonly string[]) =>
    bytes(crlf(text, ...host, ...headers, ''))
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
  const h2c = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']
  const tunnel = 'CONNECT holdfast:443 HTTP/1.1'
  return [
    // At the other ports Node closes it, as nobody listens for one.
    (door === 'rest' ? answered : perhaps)('connect', () => line(tunnel)),
    perhaps('connect with a body', draw => bytes(line(tunnel), draw.random.bytes(200))),
    perhaps('connect behind others', draw => bytes(...severalOf(any, draw, 8), line(tunnel))),
    answered('websocket', () => line('GET /chat HTTP/1.1', ...upgrade)),
    answered('h2c', () => line('GET / HTTP/1.1', ...h2c)),
    perhaps('upgrade of what it says', draw =>
      bytes(String(any(draw).toString('latin1')).replace('\r\n', crlf('', ...upgrade))),
    ),
    perhaps('HTTP/2', draw => bytes('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', draw.random.bytes(60))),
    perhaps('trace', () => line('TRACE / HTTP/1.1')),
    answered('whole address', () => line('GET http://elsewhere/health/live HTTP/1.1')),
    perhaps('authority', () => line('GET holdfast:443 HTTP/1.1')),
    perhaps('options of all', () => line('OPTIONS * HTTP/1.1')),
    answered('wrong expectation', () => line('GET / HTTP/1.1', 'Expect: more')),
    perhaps('two framings', () =>
      bytes(line('POST / HTTP/1.1', 'Content-Length: 5', 'Transfer-Encoding: chunked'), 'hello'),
    ),
    perhaps('two lengths', () =>
      bytes(line('POST / HTTP/1.1', 'Content-Length: 5', 'Content-Length: 6'), 'hello!'),
    ),
    perhaps('no end of a body', () => line('PUT /x HTTP/1.1', 'Content-Length: 9007199254740991')),
    perhaps('folded', () => line('GET / HTTP/1.1', 'X-A: 1\r\n 2')),
    perhaps('bare line feeds', () => bytes('GET / HTTP/1.1\nHost: x\n\n')),
    perhaps('HTTP/1.0', () => bytes('GET / HTTP/1.0\r\n\r\n')),
    perhaps('long head', ({ random }) =>
      line('GET / HTTP/1.1', `X-Long: ${'x'.repeat(random.below(80_000))}`),
    ),
    perhaps('many headers', ({ random }) =>
      line('GET / HTTP/1.1', ...Array<string>(random.below(4000)).fill('a: 1')),
    ),
    perhaps('pipelined', draw => bytes(...severalOf(any, draw, 12))),
    perhaps('much pipelined', draw => {
      const one = draw.random.pick(kinds.filter(({ name }) => !name.startsWith('put')))
      const times = 20 + draw.random.below(300)
      return bytes(...Array<Buffer>(times).fill(one.make(draw))).subarray(0, 200_000)
    }),
    perhaps('garbage behind others', draw =>
      bytes(...severalOf(any, draw, 4), draw.random.bytes(100)),
    ),
    perhaps('TLS', clientHello),
    perhaps('garbage', ({ random }) => bytes(random.bytes(random.below(3000)))),
    perhaps('nothing', () => Buffer.alloc(0)),
  ]
}

function severalOf(any: (draw: Draw) => Buffer, draw: Draw, most: number): Buffer[] {
  return Array.from({ length: 1 + draw.random.below(most) }, () => any(draw))
}

/** RFC 8446 §4.1.2: a record with a handshake of version, random bytes and one cipher. */
function clientHello({ random }: Draw): Buffer {
  const hello = bytes('\x03\x03', random.bytes(32), '\x00\x00\x02\x13\x01\x01\x00\x00\x00')
  const length = (count: number, size: number) => {
    const field = Buffer.alloc(size)
    field.writeUIntBE(count, 0, size)
    return field
  }
  const handshake = bytes('\x01', length(hello.length, 3), hello)
  return bytes('\x16\x03\x01', length(handshake.length, 2), handshake)
}

function withStrange(
  door: DoorName,
  kinds: readonly Kind[],
): readonly [readonly Kind[], readonly Kind[]] {
  return [kinds, strangeKinds(door, kinds)]
}

/** Kinds of each door: those of programs, and those of nobody who means well. */
export const kindsOf: Readonly<Record<DoorName, readonly [readonly Kind[], readonly Kind[]]>> = {
  rest: withStrange('rest', restKinds),
  s3: withStrange('s3', s3Kinds),
  metrics: withStrange('metrics', metricsKinds),
}
