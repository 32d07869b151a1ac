import { HoldfastError } from '@holdfast/core/errors.ts'
import { toHex } from '@holdfast/core/ids.ts'
import { mediaType } from '@holdfast/core/names.ts'
import type { BlobBytes, ByteRange } from '@holdfast/core/ports/element.ts'
import type { Content } from '@holdfast/engine/assets/get.ts'
import { type Scope, type Sent, sent } from '../exchange.ts'
import { contentPolicy } from '../security-headers.ts'
import { streamOut } from '../stream-out.ts'
import { etagOf, httpDate, judgeRead, rangeApplies } from './conditions.ts'
import { reprDigest } from './digest-headers.ts'
import { disposition, showable } from './disposition.ts'
import { contentRange, parseRange, rangeBytes } from './ranges.ts'

/** What is streamed here waits until each chunk has left, so its memory can be used again. */
const ON_LOAN = { onLoan: true } as const

export interface SendOptions {
  readonly inline?: boolean | undefined
  /** No answer is kept by anybody. */
  readonly noStore?: boolean | undefined
  /** Ranges are ignored, as a server may (RFC 9110 §14.2). */
  readonly whole?: boolean | undefined
  /** Awaited when bytes are going to be sent, before the first one leaves. */
  readonly beforeBytes?: (() => Promise<void>) | undefined
}

/** Answers with content, or with what its conditions and ranges ask for (RFC 9110 §13, §14). */
export async function sendContent(
  scope: Scope,
  content: Content,
  options: SendOptions = {},
): Promise<Sent> {
  const { request, reply } = scope
  const shown = { sha256: content.sha256, modifiedAt: content.modifiedAt }
  const verdict = judgeRead(request.headers, shown)
  if (verdict === 'failed') throw new HoldfastError('PRECONDITION_FAILED')
  reply.headers(validators(content))
  if (options.noStore === true) reply.header('cache-control', 'no-store')
  if (verdict === 'not-modified') {
    await reply.code(304).send()
    return sent
  }
  reply.headers(described(content, options.inline === true))
  if (options.whole === true) reply.header('accept-ranges', 'none')
  const { size } = content
  if (request.method === 'HEAD') {
    await reply.code(200).header('content-length', size).send()
    return sent
  }
  const ifRange = request.headers['if-range']?.toString()
  const applies = options.whole !== true && rangeApplies(ifRange, shown, scope.context.clock.now())
  const range = applies ? request.headers.range : undefined
  const asked = parseRange(range, size, scope.context.engine.limits.rangesMax)
  if (asked.kind === 'unsatisfiable') throw new HoldfastError('RANGE_NOT_SATISFIABLE', { size })
  await options.beforeBytes?.()
  if (asked.kind === 'whole')
    return await sendBytes(scope, 200, await content.read(undefined, ON_LOAN))
  const [first, ...others] = asked.ranges
  if (others.length > 0) return await sendParts(scope, content, [first, ...others])
  reply.header('content-range', contentRange(first, size))
  return await sendBytes(scope, 206, await content.read(first, ON_LOAN))
}

/** What a whole answer says of its content. */
export function contentHeaders(content: Content, inline = false): Record<string, string> {
  return { ...validators(content), ...described(content, inline) }
}

/** What also a 304 carries. */
function validators(content: Content): Record<string, string> {
  return {
    etag: etagOf(content.sha256),
    'last-modified': httpDate(content.modifiedAt),
    'cache-control': 'private, no-cache',
    'x-checksum': content.sha256,
    'x-version': String(content.number),
  }
}

function described(content: Content, inline: boolean): Record<string, string> {
  const show = inline && showable(mediaType(content.contentType) ?? 'text/html')
  return {
    'content-type': content.contentType,
    'content-disposition': disposition(show ? 'inline' : 'attachment', content.asset.name),
    'content-security-policy': contentPolicy,
    'accept-ranges': 'bytes',
    'repr-digest': reprDigest(content.sha256),
  }
}

async function sendBytes(scope: Scope, status: number, found: BlobBytes): Promise<Sent> {
  const { reply, request } = scope
  reply.code(status).header('content-length', found.size)
  if (found.bytes === undefined) {
    await streamOut(reply, found.chunks, ON_LOAN)
    return sent
  }
  const { buffer, byteOffset, byteLength } = found.bytes
  request.state.sentBytes += byteLength
  await reply.send(Buffer.from(buffer, byteOffset, byteLength))
  return sent
}

/** Several ranges as multipart/byteranges (RFC 9110 §14.6), with an exact length. */
async function sendParts(
  scope: Scope,
  content: Content,
  ranges: readonly ByteRange[],
): Promise<Sent> {
  const { reply, context } = scope
  const boundary = toHex(context.random.bytes(16))
  const head = (range: ByteRange) =>
    Buffer.from(
      `\r\n--${boundary}\r\nContent-Type: ${content.contentType}\r\n` +
        `Content-Range: ${contentRange(range, content.size)}\r\n\r\n`,
    )
  const end = Buffer.from(`\r\n--${boundary}--\r\n`)
  const length = ranges.reduce((sum, range) => sum + head(range).length + rangeBytes(range), 0)
  reply
    .code(206)
    .header('content-type', `multipart/byteranges; boundary=${boundary}`)
    .header('content-length', length + end.length)
  async function* parts(): AsyncGenerator<Uint8Array> {
    for (const range of ranges) {
      // Opened before its head goes out: bytes that are missing at the start are still a refusal.
      const found = await content.read(range)
      yield head(range)
      yield* chunksOf(found)
    }
    yield end
  }
  await streamOut(reply, parts())
  return sent
}

export async function* chunksOf(found: BlobBytes): AsyncGenerator<Uint8Array> {
  if (found.bytes === undefined) yield* found.chunks
  else yield found.bytes
}
