import { createHash, createHmac } from 'node:crypto'
import { ChunkedBody, type ChunkSigning } from '@holdfast/server/doors/s3/auth/chunks.ts'
import { SigningKey } from '@holdfast/server/doors/s3/auth/signing-key.ts'
import { S3Error } from '@holdfast/server/doors/s3/errors.ts'
import { Mismatch, requireSame } from './fuzz-target.ts'

const secret = Buffer.alloc(32, 9)
const scope = { day: '20261127', region: 'us-east-1' }
const time = '20261127T120000Z'
const seed = 'ab'.repeat(32)
const signing: ChunkSigning = { key: new SigningKey(secret), time, scope, seed }
const announced = ['x-amz-checksum-crc32']
const lineMax = 4096
const bodyMax = 5 * 1024 ** 3

type Mode = 'plain' | 'plain trailer' | 'signed' | 'signed trailer'
const modes: readonly Mode[] = ['plain', 'plain trailer', 'signed', 'signed trailer']

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
const hmac = (text: string) => createHmac('sha256', secret).update(text).digest('hex')
const scopeLine = `${scope.day}/${scope.region}/s3/aws4_request`

function chunkSignature(before: string, data: Uint8Array): string {
  return hmac(
    `AWS4-HMAC-SHA256-PAYLOAD\n${time}\n${scopeLine}\n${before}\n${sha256('')}\n${sha256(data)}`,
  )
}

function trailerSignature(before: string, lines: string): string {
  return hmac(`AWS4-HMAC-SHA256-TRAILER\n${time}\n${scopeLine}\n${before}\n${sha256(lines)}`)
}

/** As a client writes it. */
function encode(mode: Mode, pieces: readonly string[], lineEnd = '\r\n'): Buffer {
  const signed = mode.startsWith('signed')
  let before = seed
  const out: Buffer[] = []
  for (const piece of [...pieces, '']) {
    const data = Buffer.from(piece)
    before = signed ? chunkSignature(before, data) : before
    const extension = signed ? `;chunk-signature=${before}` : ''
    out.push(Buffer.from(`${data.length.toString(16)}${extension}\r\n`))
    if (data.length > 0) out.push(data, Buffer.from('\r\n'))
  }
  if (mode.endsWith('trailer')) {
    const line = 'x-amz-checksum-crc32:NSRBwg=='
    out.push(Buffer.from(`${line}${lineEnd}`))
    const signature = trailerSignature(before, `${line}\n`)
    if (signed) out.push(Buffer.from(`x-amz-trailer-signature:${signature}\r\n`))
  }
  return Buffer.concat([...out, Buffer.from('\r\n')])
}

/** A trailer whose signature comes once more after one that is wrong. */
function twiceProven(): Buffer {
  const text = encode('signed trailer', []).toString('latin1')
  const name = 'x-amz-trailer-signature:'
  return Buffer.from(`\x07${text.replace(name, `${name}no\r\n${name}`)}`, 'latin1')
}

/** A line that is too long to be one, however it arrives. */
const longLine = `5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${' '.repeat(lineMax)}NSRBwg==\r\n\r\n`

/** The first byte says which form the body has and how it is cut. */
export const chunkSeeds = [
  ...modes.flatMap((mode, at) =>
    [['hello'], ['a', 'bb', 'x'.repeat(300)], []].map((pieces, cut) =>
      Buffer.concat([Buffer.from([at + 4 * (cut + 1)]), encode(mode, pieces)]),
    ),
  ),
  // As minio-go ends them.
  ...modes.map((mode, at) =>
    Buffer.concat([Buffer.from([at + 4]), encode(mode, ['hello'], '\n\r\n')]),
  ),
  twiceProven(),
  Buffer.from(`\x05${longLine}`),
  // White space that belongs to nothing took the old pattern the cube of its length.
  Buffer.from(`\x05${longLine.slice(0, 600)}x\ry\r\n\r\n`),
]
export const chunkWords = [
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  'ffffffffff\r\n',
  ';chunk-signature=',
  'x-amz-checksum-crc32:',
  'x-amz-trailer-signature:',
]

/** Whatever the cuts, the streaming decoder takes what the simple one takes, and nothing else. */
export async function runChunks(input: Uint8Array): Promise<void> {
  const [first = 0] = input
  const body = Buffer.from(input.subarray(1))
  const mode = modes[first % modes.length] ?? 'plain'
  const expected = decode(body, mode)
  const length = expected?.bytes.length ?? 5
  const sizes = [body.length + 1, 1 + (first >> 2), 1]
  for (const size of body.length > 8192 ? sizes.slice(0, 2) : sizes) {
    requireSame(
      await stream(body, { mode, length, size }),
      shown(expected),
      `${mode} cut by ${size}`,
    )
  }
  const longer = await stream(body, { mode, length: length + 1, size: body.length + 1 })
  if (longer !== undefined) throw new Mismatch(`${mode}: a body without its end was taken`)
}

interface Decoded {
  readonly bytes: Uint8Array
  readonly trailers: readonly (readonly [string, string])[]
}

function shown(decoded: Decoded | undefined) {
  return decoded && { sum: sha256(decoded.bytes), trailers: decoded.trailers }
}

async function stream(
  body: Buffer,
  { mode, length, size }: { readonly mode: Mode; readonly length: number; readonly size: number },
) {
  const chunked = new ChunkedBody(cut(body, size), {
    signing: mode.startsWith('signed') ? signing : null,
    trailers: mode.endsWith('trailer') ? announced : null,
    length,
  })
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of chunked.bytes()) pieces.push(Uint8Array.from(piece))
  } catch (error) {
    if (error instanceof S3Error) return undefined
    throw error
  }
  return shown({ bytes: Buffer.concat(pieces), trailers: [...chunked.trailers] })
}

async function* cut(body: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
}

/** The whole body at once, with regular expressions: slow, and easy to be sure of. */
function decode(body: Buffer, mode: Mode): Decoded | undefined {
  const signed = mode.startsWith('signed')
  const pieces: Buffer[] = []
  let rest = body
  let before = seed
  for (;;) {
    const head = wholeLineOf(rest)
    const [, hex = '', , signature] =
      /^([0-9a-fA-F]{1,10})(;chunk-signature=([0-9a-f]{64}))?$/.exec(head?.text ?? '') ?? []
    if (head === undefined || hex === '' || (signature !== undefined) !== signed) return undefined
    const size = Number.parseInt(hex, 16)
    if (size > bodyMax || size > head.rest.length) return undefined
    const data = head.rest.subarray(0, size)
    if (signed) {
      before = chunkSignature(before, data)
      if (before !== signature) return undefined
    }
    rest = head.rest
    if (size === 0) break
    pieces.push(data)
    const end = wholeLineOf(rest.subarray(size))
    if (end?.text !== '') return undefined
    rest = end.rest
  }
  const trailers = trailersOf(rest, mode, before)
  return trailers && { bytes: Buffer.concat(pieces), trailers }
}

function trailersOf(
  rest: Buffer,
  mode: Mode,
  before: string,
): (readonly [string, string])[] | undefined {
  const found: (readonly [string, string])[] = []
  let signature: string | undefined
  // A line may end once more after a line feed alone.
  const once = rest.toString('latin1').replace(/([^\r\n]\n)\r\n/g, '$1')
  let left: Buffer = Buffer.from(once, 'latin1')
  while (left.length > 0) {
    const line = lineOf(left)
    if (line === undefined) return undefined
    left = line.rest
    if (line.text === '') {
      if (left.length > 0) return undefined
      break
    }
    const [head = '', ...tail] = line.text.split(':')
    const [name, value] = [head.trimEnd(), tail.join(':').trim()]
    if (tail.length === 0) return undefined
    if (name.toLowerCase() !== 'x-amz-trailer-signature') found.push([name.toLowerCase(), value])
    else if (signature === undefined) signature = value
    else return undefined
  }
  if (!mode.endsWith('trailer')) {
    return found.length === 0 && signature === undefined ? found : undefined
  }
  if (found.length !== 1 || found[0]?.[0] !== announced[0]) return undefined
  const lines = found.map(([name, value]) => `${name}:${value}\n`).join('')
  const proven = mode === 'plain trailer' || signature === trailerSignature(before, lines)
  return proven ? found : undefined
}

/** Of the chunks themselves: a line feed alone ends none. */
function wholeLineOf(bytes: Buffer): ReturnType<typeof lineOf> {
  const end = bytes.indexOf('\n')
  return end > 0 && bytes[end - 1] === 0x0d ? lineOf(bytes) : undefined
}

function lineOf(bytes: Buffer): { readonly text: string; readonly rest: Buffer } | undefined {
  const end = bytes.indexOf('\n')
  if (end < 0 || end > lineMax) return undefined
  return {
    text: bytes.toString('latin1', 0, end).replace(/\r$/, ''),
    rest: bytes.subarray(end + 1),
  }
}
