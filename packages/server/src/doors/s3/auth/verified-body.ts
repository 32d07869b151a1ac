import { createHash } from 'node:crypto'
import type { ExpectedDigests } from '@holdfast/core/digests.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { lineOf } from '@holdfast/engine/caller-lines.ts'
import { digestNameOf, openChecksum } from '@holdfast/engine/objects/checksums.ts'
import { readDocument } from '../../../http/body/read-document.ts'
import { BAD_MD5, digestFacts, invalidArgument, S3Error } from '../errors.ts'
import type { S3Request } from '../requests/request.ts'
import {
  type ChecksumName,
  checksumOfHeader,
  headerOfChecksum,
  isChecksumName,
  isChecksumValue,
  isUnknownChecksum,
  severalChecksums,
} from '../wire/checksums.ts'
import type { RequestHeaders } from '../wire/headers.ts'
import { announcedTrailers, ChunkedBody, type ChunkSigning } from './chunks.ts'
import { announcedBytes, type PayloadMode } from './payload.ts'

/** Bytes of a body together with everything that must hold of them before they may be shown. */
export interface CheckedSource {
  readonly source: ByteSource
  readonly length: number | undefined
  /** Told with the headers. */
  readonly expected: ExpectedDigests
  /** Told after the bytes; asked once the source has ended. */
  readonly trailing: () => ExpectedDigests
  /** The checksum that the client chose, if any. */
  readonly checksum: ChosenChecksum | undefined
}

export interface ChosenChecksum {
  readonly algorithm: ChecksumName
  /** Base64, where it came with the headers. */
  readonly value: string | undefined
}

/** Of one put or part: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const PUT_BYTES_MAX = 5 * 1024 ** 3

/** Of a document: it is read within few milliseconds. */
const SHORT_BYTES = 64 * 1024

/** The body of a verified request. */
export class VerifiedBody {
  readonly #request: S3Request
  readonly #mode: PayloadMode
  readonly #signing: ChunkSigning | null

  constructor(request: S3Request, mode: PayloadMode, signing: ChunkSigning | null) {
    this.#request = request
    this.#mode = mode
    this.#signing = signing
  }

  /** Bytes without their framing, as announced; undefined when nobody said. */
  get length(): number | undefined {
    const { headers, body } = this.#request
    return announcedBytes(this.#mode, headers, body.length)
  }

  /** Of content to store. AWS wants it said even of nothing, where HTTP takes silence for it. */
  get contentLength(): number {
    const { raw, body } = this.#request
    const { length } = this
    const said = raw.headers['content-length'] !== undefined || body.length === undefined
    if (length === undefined || !said) throw new S3Error('MissingContentLength')
    requireSize(length)
    return length
  }

  /** For operations that store what they read; they must hand on all that is expected of it. */
  open(): CheckedSource {
    const { headers } = this.#request
    return this.#open(chosenChecksum(headers, this.#trailers()))
  }

  /** The whole of a small body, checked. */
  async read(bytesMax: number): Promise<Buffer> {
    return await this.#whole(this.open(), bytesMax)
  }

  /** The same where checksums of the headers tell of something else than the body. */
  async readPlain(bytesMax: number): Promise<Buffer> {
    return await this.#whole(this.#open(undefined), bytesMax)
  }

  async #whole(opened: CheckedSource, bytesMax: number): Promise<Buffer> {
    const { length = bytesMax } = opened
    if (length > bytesMax) throw tooLong()
    const { told, context, body, patience } = this.#request
    using _ = context.documents.take(told.principal.id, length)
    const bytes = await readWhole(opened, bytesMax)
    // Whoever reads a long one as XML does so at once: one in a turn, callers in turn.
    if (bytes.length > SHORT_BYTES) {
      const { ip: address, signal } = patience
      await context.engine.lists.next(lineOf({ principal: told.principal, address, signal }))
      // Nobody waits for it any more.
      signal.throwIfAborted()
      // That may be long in coming, too.
      await body.whenRead?.()
    }
    return bytes
  }

  #open(checksum: ChosenChecksum | undefined): CheckedSource {
    const { headers, body } = this.#request
    const mode = this.#mode
    const expected = digestsOf(headers, mode, checksum)
    const { length } = this
    if (mode.kind !== 'chunks') {
      return { source: body.source(), length, expected, trailing: () => ({}), checksum }
    }
    const framing = { signing: this.#signing, trailers: this.#trailers(), length: length ?? 0 }
    const chunked = new ChunkedBody(body.source(), framing)
    const trailing = () => trailingDigests(chunked.trailers)
    return { source: chunked.bytes(), length, expected, trailing, checksum }
  }

  /** Null where none may come. */
  #trailers(): readonly string[] | null {
    if (this.#mode.kind !== 'chunks' || !this.#mode.trailer) return null
    return announcedTrailers(this.#request.headers.get('x-amz-trailer'))
  }
}

/** What the headers of a body in one piece say must hold of it. */
export function expectedDigests(
  headers: RequestHeaders,
  mode: PayloadMode,
): Pick<CheckedSource, 'expected' | 'checksum'> {
  const checksum = chosenChecksum(headers, null)
  return { expected: digestsOf(headers, mode, checksum), checksum }
}

function digestsOf(
  headers: RequestHeaders,
  mode: PayloadMode,
  checksum: ChosenChecksum | undefined,
): ExpectedDigests {
  const known: ExpectedDigests = {
    ...(mode.kind === 'hash' ? { sha256: mode.sha256 } : {}),
    ...md5Expected(headers.get('content-md5')),
  }
  return withChecksum(known, checksum)
}

/** At most one checksum may come, in a header or as a trailer. */
function chosenChecksum(
  headers: RequestHeaders,
  trailers: readonly string[] | null,
): ChosenChecksum | undefined {
  const named: ChecksumName[] = []
  for (const name of headers.names.all()) {
    if (!name.startsWith('x-amz-checksum-')) continue
    const algorithm = checksumOfHeader(name)
    if (algorithm !== undefined) named.push(algorithm)
    if (!isUnknownChecksum(name)) continue
    const message = 'The algorithm type you specified in x-amz-checksum- header is invalid.'
    throw new S3Error('InvalidRequest', { message })
  }
  const later = (trailers ?? []).flatMap(name => checksumOfHeader(name) ?? [])
  if (named.length + later.length > 1) throw severalChecksums()
  const declared = headers.get('x-amz-sdk-checksum-algorithm')?.toUpperCase()
  if (declared !== undefined && !isChecksumName(declared)) throw wrongDeclaration()
  const [algorithm] = [...named, ...later]
  const md5 = headers.get('content-md5')
  // So the SDKs send an MD5, as they did before it was one of the checksums.
  if (declared === 'MD5' && algorithm === undefined && md5 !== undefined) {
    return { algorithm: declared, value: md5 }
  }
  if (declared !== undefined && algorithm === undefined) {
    const message =
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or ' +
      'x-amz-trailer headers were found.'
    throw new S3Error('InvalidRequest', { message })
  }
  if (algorithm === undefined) return undefined
  if (declared !== undefined && declared !== algorithm) throw wrongDeclaration()
  const [present] = named
  const value = present === undefined ? undefined : headers.get(headerOfChecksum(present))
  if (value !== undefined && !isChecksumValue(algorithm, value)) {
    const message = `Value for ${headerOfChecksum(algorithm)} header is invalid.`
    throw new S3Error('InvalidRequest', { message })
  }
  return { algorithm, value }
}

function wrongDeclaration(): S3Error {
  const message = 'Value for x-amz-sdk-checksum-algorithm header is invalid.'
  return new S3Error('InvalidRequest', { message })
}

async function readWhole(opened: CheckedSource, bytesMax: number): Promise<Buffer> {
  const { source, expected, trailing } = opened
  const bytes = await readDocument(source, bytesMax)
  if (bytes === undefined) throw tooLong()
  requireDigests(bytes, expected)
  requireDigests(bytes, trailing())
  return bytes
}

function withChecksum(expected: ExpectedDigests, chosen: ChosenChecksum | undefined) {
  if (chosen?.value === undefined) return expected
  const digest = digestOf(chosen.algorithm, chosen.value)
  const [[name, value] = ['', '']] = Object.entries(digest)
  const other = Object.entries(expected).find(([known]) => known === name)?.[1]
  // Two values for one digest: both must hold, and they cannot.
  if (other !== undefined && other !== value) throw badDigest(chosen.algorithm)
  return { ...expected, ...digest }
}

/** The digest of the element that a checksum of S3 is. */
export function digestOf(algorithm: ChecksumName, base64: string): ExpectedDigests {
  return { [digestNameOf(algorithm)]: Buffer.from(base64, 'base64').toString('hex') }
}

function trailingDigests(trailers: ReadonlyMap<string, string>): ExpectedDigests {
  let digests: ExpectedDigests = {}
  for (const [name, value] of trailers) {
    const algorithm = checksumOfHeader(name)
    if (algorithm === undefined) continue
    if (!isChecksumValue(algorithm, value)) {
      const message = `Value for ${name} trailing header is invalid.`
      throw new S3Error('InvalidRequest', { message })
    }
    digests = { ...digests, ...digestOf(algorithm, value) }
  }
  return digests
}

/** EntityTooLarge above it. */
export function requireSize(size: number, max = PUT_BYTES_MAX): void {
  if (size <= max) return
  const facts = { ProposedSize: String(size), MaxSizeAllowed: String(max) }
  throw new S3Error('EntityTooLarge', facts)
}

/** Of `Content-MD5`. */
export function md5Expected(header: string | undefined): ExpectedDigests {
  if (header === undefined) return {}
  const bytes = Buffer.from(header, 'base64')
  if (bytes.length !== 16 || bytes.toString('base64') !== header.trim()) {
    const message = 'The Content-MD5 you specified was invalid.'
    throw new S3Error('InvalidDigest', { message, 'Content-MD5': header.slice(0, 100) })
  }
  return { md5: bytes.toString('hex') }
}

function requireDigests(bytes: Uint8Array, expected: ExpectedDigests): void {
  for (const [name, hex] of Object.entries(expected)) {
    if (hex === undefined) continue
    const computed = hexDigest(name, bytes)
    if (computed === hex) continue
    if (name === 'md5') {
      throw new S3Error('BadDigest', { message: BAD_MD5, ...digestFacts(hex, computed) })
    }
    if (name === 'sha256') throw new S3Error('XAmzContentSHA256Mismatch')
    throw badDigest(name)
  }
}

function hexDigest(name: string, bytes: Uint8Array): string {
  const upper = name.toUpperCase()
  if (!isChecksumName(upper)) return createHash(name).update(bytes).digest('hex')
  const checksum = openChecksum(upper)
  checksum.update(bytes)
  return Buffer.from(checksum.digest(), 'base64').toString('hex')
}

export function badDigest(algorithm: string): S3Error {
  return new S3Error('BadDigest', {
    message: `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
  })
}

function tooLong(): S3Error {
  return new S3Error('MaxMessageLengthExceeded')
}

/** A number of a query or header, or InvalidArgument. */
export function requireNumber(
  name: string,
  text: string,
  bounds: { readonly min?: number; readonly max: number; readonly message?: string },
): number {
  const { min = 0, max } = bounds
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  const message = bounds.message ?? `Argument ${name} must be an integer between ${min} and ${max}`
  throw invalidArgument(name, text, message)
}
