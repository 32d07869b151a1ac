import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { canonicalRequest } from '@holdfast/server/doors/s3/auth/canonical.ts'
import { requestSignature, signingKey } from '@holdfast/server/doors/s3/auth/signing.ts'
import { addressOf } from '@holdfast/server/doors/s3/requests/address.ts'
import { RequestHeaders } from '@holdfast/server/doors/s3/wire/headers.ts'
import { Query } from '@holdfast/server/doors/s3/wire/query.ts'
import { uriDecode, uriEncode, utf8Text } from '@holdfast/server/doors/s3/wire/uri.ts'
import { SignatureV4 } from '@smithy/signature-v4'
import { Mismatch, requireSame, texts } from './fuzz-target.ts'

const accessKeyId = 'HOLDFASTTESTKEY00001'
const secretAccessKey = 'test-secret-0123456789-abcdefghijklmnop'
const region = 'us-east-1'
const day = '20261127'
const time = `${day}T120000Z`
const signingDate = new Date('2026-11-27T12:00:00Z')
const key = signingKey(secretAccessKey, { day, region })

class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {}
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
}

const signer = new SignatureV4({
  service: 's3',
  region,
  credentials: { accessKeyId, secretAccessKey },
  sha256: Sha256,
  uriEscapePath: false,
  applyChecksum: false,
})

/** A method and a path, a query, then headers, a line each; all of them decoded. */
export const signatureSeeds = texts(
  'GET /bucket/a b+c~d/ü.txt\nprefix=a b&list-type=2&empty=\nx-amz-meta-a:  b   c \nrange:bytes=0',
  'PUT /bucket//./../%2F\nuploadId=abc/def==&part=1\nx-amz-acl:public-read',
  'DELETE /b/😀\n\ncontent-md5:x',
)

/**
 * What a client of AWS signs for a request, we compute for what it sends; and what the signature
 * covers is what the handlers read.
 */
export async function runSignatures(input: Uint8Array): Promise<void> {
  const [line = '', search = '', ...rest] = Buffer.from(input).toString().split('\n')
  const [word = '', target = ''] = line.split(/ (.*)/s)
  const method = /^[A-Z]+$/.test(word) ? word : 'GET'
  const path = `/${target.replace(/^\//, '')}`
  const values = pairsOf(search)
  const headers = headersOf(rest)
  const wirePath = path.split('/').map(escaped).join('/')
  const wireQuery = [...values].map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
  const signed = await signer.sign(
    {
      method,
      protocol: 'http:',
      hostname: 'localhost',
      path: wirePath,
      query: Object.fromEntries(values),
      headers: { ...headers },
    },
    { signingDate },
  )
  const authorization = signed.headers.authorization ?? ''
  const [, names = '', theirs] =
    /SignedHeaders=([^,]*), Signature=([0-9a-f]{64})$/.exec(authorization) ?? []
  const query = new Query(wireQuery.join('&'))
  const sent = new RequestHeaders(
    Object.entries(signed.headers).flatMap(([name, value]) => [
      name,
      Buffer.from(value).toString('latin1'),
    ]),
  )
  const canonical = canonicalRequest(
    { method, path: wirePath, query, headers: sent },
    { signedHeaders: names.split(';'), payloadHash: 'UNSIGNED-PAYLOAD' },
  )
  const ours = requestSignature(key, { time, scope: { day, region } }, canonical)
  if (ours !== theirs) throw new Mismatch(`signature of ${JSON.stringify([wirePath, wireQuery])}`)
  requireSameMeaning(wirePath, query, values)
  requireOneMeaning(target, search)
}

/** Handlers read what the client meant. */
function requireSameMeaning(
  wirePath: string,
  query: Query,
  values: ReadonlyMap<string, string>,
): void {
  for (const [name, value] of values) requireSame(query.get(name), value, `parameter ${name}`)
  requireSame([...query.names()].length, values.size, 'number of parameters')
  const decoded = uriDecode(wirePath)
  if (decoded === undefined) throw new Mismatch('a path that we encoded has no meaning')
  if (wirePath.startsWith('//')) return
  const { bucket = '', key: name = '' } = addressOf(wirePath, undefined, [])
  requireSame(
    `/${bucket}/${name}`.replace(/\/+$/, ''),
    utf8Text(decoded)?.replace(/\/+$/, ''),
    'address',
  )
}

/** Of raw bytes: two spellings of one canonical form are one address and one set of values. */
function requireOneMeaning(target: string, search: string): void {
  const rawPath = `/${target}`
  const path = uriDecode(rawPath)
  if (path === undefined) return
  const raw = new Query(search)
  const again = new Query(
    raw.pairs
      .map(
        ({ name, value }) =>
          `${uriEncode(name, { slash: true })}=${uriEncode(value, { slash: true })}`,
      )
      .join('&'),
  )
  requireSame([...again.names()], [...raw.names()], 'names of parameters')
  const headers = new RequestHeaders([])
  const choice = { signedHeaders: [], payloadHash: '' }
  const one = canonicalRequest({ method: 'GET', path: rawPath, query: raw, headers }, choice)
  const other = canonicalRequest(
    { method: 'GET', path: uriEncode(path), query: again, headers },
    choice,
  )
  requireSame(other, one, 'canonical form')
}

/** The signer has no such parameter: it leaves out the first, and loses the second in an object. */
const UNSIGNABLE = /^(|x-amz-signature|__proto__)$/i

function pairsOf(search: string): Map<string, string> {
  const pairs = new Map<string, string>()
  for (const part of search.split('&').slice(0, 50)) {
    const [name = '', value = ''] = part.split(/=(.*)/s)
    if (!UNSIGNABLE.test(name)) pairs.set(whole(name), whole(value))
  }
  return pairs
}

/** Names of HTTP, and values as HTTP can carry them; what signers leave out is left out. */
function headersOf(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {
    host: 'localhost:8006',
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
  }
  for (const line of lines.slice(0, 30)) {
    const [name = '', value = ''] = line.split(/:(.*)/s)
    const known = name.toLowerCase()
    if (!/^[a-z0-9-]+$/.test(known) || Object.hasOwn(headers, known)) continue
    if (/^(authorization|x-amz-date|__proto__)$/.test(known)) continue
    // Only spaces collapse (sig-v4-header-based-auth.html); clients of AWS take all white space.
    headers[known] = whole(value).replaceAll(/[^\S ]|\p{Cc}/gu, '')
  }
  return headers
}

/** Half a pair of surrogates has no UTF-8. */
function whole(text: string): string {
  return text.toWellFormed()
}

function escaped(text: string): string {
  return encodeURIComponent(whole(text)).replaceAll(/[!'()*]/g, char => {
    return `%${char.charCodeAt(0).toString(16).toUpperCase()}`
  })
}
