import { createHash, createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Asked } from '../wire.ts'

/**
 * Signature Version 4 written from AWS's documents and from nothing of ours: what the server takes
 * must be what others make (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html).
 */
export interface Pair {
  readonly id: string
  readonly secret: string
}

/** How a request proves who sends it, and how it frames its body. */
export const modes = ['header', 'unsigned', 'query', 'chunks', 'trailer'] as const
export type Mode = (typeof modes)[number]

export interface Plain {
  readonly method: string
  /** Encoded as it goes out. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | undefined
}

export interface Signing {
  readonly pair: Pair
  readonly mode: Mode
  readonly host: string
  readonly nowMs: number
}

const region = 'us-east-1'
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Uint8Array, text: string) =>
  createHmac('sha256', key).update(text).digest()

export function sign(plain: Plain, signing: Signing): Asked {
  const { pair, mode, host, nowMs } = signing
  const { method, path, body = '' } = plain
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
  const key = signingKey(pair.secret, time.slice(0, 8))
  const bytes = Buffer.from(body)
  const framing = framingOf(mode, bytes)
  const query = { ...plain.query }
  const headers: Record<string, string> = { host, ...plain.headers, ...framing.headers }
  if (mode === 'query') {
    Object.assign(query, {
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `${pair.id}/${scope}`,
      'X-Amz-Date': time,
      'X-Amz-Expires': '300',
      'X-Amz-SignedHeaders': Object.keys(headers).sort().join(';'),
    })
  } else Object.assign(headers, { 'x-amz-date': time, 'x-amz-content-sha256': framing.hash })
  const names = Object.keys(headers).sort()
  const canonical = [
    ...[method, path, queryText(query)],
    ...names.map(name => `${name}:${headers[name]?.trim()}`),
    '',
    names.join(';'),
    framing.hash,
  ].join('\n')
  const signText = (text: string) => hmac(key, text).toString('hex')
  const signature = signText(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`)
  if (mode === 'query') Object.assign(query, { 'X-Amz-Signature': signature })
  else {
    headers.authorization =
      `AWS4-HMAC-SHA256 Credential=${pair.id}/${scope}, ` +
      `SignedHeaders=${names.join(';')}, Signature=${signature}`
  }
  const search = queryText(query)
  const sent = framing.body({ seed: signature, about: `${time}\n${scope}`, signText })
  return { method, path: search === '' ? path : `${path}?${search}`, headers, body: sent }
}

interface Framing {
  readonly hash: string
  readonly headers: Readonly<Record<string, string>>
  body(chunk: ChunkSigning): Uint8Array | undefined
}

interface ChunkSigning {
  readonly seed: string
  readonly about: string
  signText(text: string): string
}

function framingOf(mode: Mode, bytes: Buffer): Framing {
  const body = () => (bytes.length === 0 ? undefined : bytes)
  if (mode === 'header') return { hash: sha256(bytes), headers: {}, body }
  if (mode === 'query' || mode === 'unsigned')
    return { hash: 'UNSIGNED-PAYLOAD', headers: {}, body }
  const coded = {
    'content-encoding': 'aws-chunked',
    'x-amz-decoded-content-length': String(bytes.length),
  }
  if (mode === 'chunks') {
    const hash = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
    return { hash, headers: coded, body: chunk => signedChunks(bytes, chunk) }
  }
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  const trailer = `0\r\nx-amz-checksum-crc32:${sum.toString('base64')}\r\n\r\n`
  const head = bytes.length === 0 ? '' : `${bytes.length.toString(16)}\r\n`
  const end = bytes.length === 0 ? '' : '\r\n'
  return {
    hash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    headers: { ...coded, 'x-amz-trailer': 'x-amz-checksum-crc32' },
    body: () => Buffer.concat([Buffer.from(head), bytes, Buffer.from(`${end}${trailer}`)]),
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html */
function signedChunks(bytes: Buffer, { seed, about, signText }: ChunkSigning): Buffer {
  const parts: Buffer[] = []
  let before = seed
  const half = Math.ceil(bytes.length / 2)
  const pieces = [bytes.subarray(0, half), bytes.subarray(half)].filter(({ length }) => length > 0)
  for (const data of [...pieces, Buffer.alloc(0)]) {
    const text = `AWS4-HMAC-SHA256-PAYLOAD\n${about}\n${before}\n${sha256('')}\n${sha256(data)}`
    before = signText(text)
    const head = `${data.length.toString(16)};chunk-signature=${before}\r\n`
    parts.push(Buffer.from(head), data, Buffer.from('\r\n'))
  }
  return Buffer.concat(parts)
}

export function signingKey(secret: string, day: string): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), 's3'), 'aws4_request')
}

function queryText(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`)
  return pairs.sort().join('&')
}

export function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** A form of a browser, whose policy allows one key. */
export function signedForm(
  place: { readonly bucket: string; readonly key: string; readonly content: string },
  { pair, host, nowMs }: Omit<Signing, 'mode'>,
): Asked {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const { bucket, key, content } = place
  const fields: Record<string, string> = {
    key,
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${pair.id}/${time.slice(0, 8)}/${region}/s3/aws4_request`,
    'x-amz-date': time,
  }
  const named = Object.entries(fields).map(([name, value]) => ({ [name]: value }))
  const expiration = new Date(nowMs + 300_000).toISOString()
  const document = { expiration, conditions: [{ bucket }, ...named] }
  fields.policy = Buffer.from(JSON.stringify(document)).toString('base64')
  const signature = hmac(signingKey(pair.secret, time.slice(0, 8)), fields.policy)
  fields['x-amz-signature'] = signature.toString('hex')
  const boundary = 's3-boundary-7MA4YWxkTrZu0gW'
  const part = (head: string, text: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${text}\r\n`
  const parts = Object.entries(fields).map(([name, value]) => part(`name="${name}"`, value))
  parts.push(part('name="file"; filename="a.txt"', content))
  const body = Buffer.from(`${parts.join('')}--${boundary}--\r\n`)
  const type = `multipart/form-data; boundary=${boundary}`
  return { method: 'POST', path: `/${bucket}`, headers: { host, 'content-type': type }, body }
}
