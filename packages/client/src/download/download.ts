import { plainBytes } from '../body/upload-body.ts'
import type { CallOptions } from '../options.ts'
import type { Answer, Transport, WireRequest } from '../wire/transport.ts'
import { type ContentFacts, readFacts } from './content-facts.ts'
import { resuming } from './resuming.ts'

export interface DownloadOptions extends CallOptions {
  /** First and last byte, both included; without `last`, to the end. */
  readonly range?: { readonly first: number; readonly last?: number } | { readonly suffix: number }
  /** Entity tags with their quotes; the call fails with 412 when the content is another one. */
  readonly ifMatch?: string
  /** The call fails with status 304, code NOT_MODIFIED, when the content is still this one. */
  readonly ifNoneMatch?: string
  /** False leaves out the comparison of the SHA-256 at the end. Parts are never compared. */
  readonly verify?: boolean
}

/** Content on its way. It can be read once; a broken connection is taken up again unseen. */
export interface Download extends ContentFacts, AsyncIterable<Uint8Array> {
  readonly body: ReadableStream<Uint8Array>
  bytes(): Promise<Uint8Array<ArrayBuffer>>
  text(): Promise<string>
  blob(): Promise<Blob>
  /** Breaks it off. */
  cancel(): Promise<void>
}

export async function startDownload(
  transport: Transport,
  request: WireRequest,
  options: DownloadOptions,
): Promise<Download> {
  const full = { ...request, headers: { ...request.headers, ...headersOf(options) }, options }
  return await transport.run(full, async answer => {
    const facts = readFacts(answer.response)
    const isWhole = answer.response.status === 200 && facts.sha256 !== undefined
    const hash = isWhole && options.verify !== false ? transport.sha256() : undefined
    // The clock stands until the reader asks for the first byte.
    answer.silence.pause()
    return wrap(answer, facts, resuming(answer, { transport, request: full, facts, hash }))
  })
}

function headersOf(options: DownloadOptions): Record<string, string> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }
  const { range, ifMatch, ifNoneMatch } = options
  if (range !== undefined) headers.range = `bytes=${rangeText(range)}`
  if (ifMatch !== undefined) headers['if-match'] = ifMatch
  if (ifNoneMatch !== undefined) headers['if-none-match'] = ifNoneMatch
  return headers
}

function rangeText(range: NonNullable<DownloadOptions['range']>): string {
  return 'suffix' in range ? `-${range.suffix}` : `${range.first}-${range.last ?? ''}`
}

function wrap(answer: Answer, facts: ContentFacts, chunks: AsyncGenerator<Uint8Array>): Download {
  const { contentType } = facts
  const cancel = async () => {
    await chunks.return(undefined)
    // A generator that never ran has no finally block to run.
    answer.silence.abort()
  }
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const { done, value } = await chunks.next()
    if (done === true) controller.close()
    else controller.enqueue(value)
  }
  const body = new ReadableStream<Uint8Array>({ pull, cancel }, { highWaterMark: 0 })
  const collect = async () => {
    const parts: Uint8Array<ArrayBuffer>[] = []
    for await (const chunk of chunks) parts.push(plainBytes(chunk))
    return new Blob(parts, { type: contentType })
  }
  return {
    ...facts,
    body,
    [Symbol.asyncIterator]: () => chunks,
    blob: collect,
    bytes: async () => new Uint8Array(await (await collect()).arrayBuffer()),
    text: async () => await (await collect()).text(),
    cancel,
  }
}
