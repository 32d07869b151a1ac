import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HIDDEN, HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import { bucketOf } from '@holdfast/engine/assets/find-asset.ts'
import { type Content, getAsset, openContent } from '@holdfast/engine/assets/get.ts'
import { readKnownBlob } from '@holdfast/engine/content/read-blob.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import { pack as openTar } from 'tar-stream'
import { ZipFile } from 'yazl'
import { auditRefusedParts } from '../../../http/caller/audited.ts'
import { tellChanged } from '../../../http/caller/tell-changed.ts'
import { chunksOf } from '../../../http/content/send-content.ts'
import { type Operations, type Scope, sent } from '../../../http/exchange.ts'
import { foundNow, waitForTurn } from '../../../http/limits/long-page.ts'
import { holdAnswer } from '../../../http/send-json.ts'
import { streamOut } from '../../../http/stream-out.ts'
import { partOf } from '../statuses.ts'
import { EntryNames } from './entry-names.ts'

const MISSING = 'holdfast-missing.json'

interface Missing {
  readonly id: string
  readonly code: string
}

export const archiveOperations: Pick<Operations, 'batchDownload'> = {
  batchDownload: async exchange => {
    const { body, reply } = exchange
    tellChanged(exchange, {}, body.ids)
    const format = body.format ?? 'zip'
    const entries = await entriesOf(exchange, body.ids, body.partial === true)
    holdAnswer(
      exchange.request.state,
      entries.reduce((sum, { name }) => sum + heldBytes(name), 0),
    )
    reply
      .code(200)
      .header('content-type', format === 'zip' ? 'application/zip' : 'application/x-tar')
      .header('content-disposition', `attachment; filename="assets.${format}"`)
    await streamOut(reply, format === 'zip' ? zipOf(entries) : tarOf(entries))
    return sent
  },
}

/** What an entry takes until the last byte has left: its name stands in several places. */
function heldBytes(name: string): number {
  return 1024 + 4 * Buffer.byteLength(name)
}

/** Whatever is larger than an entry is over before the first byte leaves: readers may be slow. */
async function entriesOf(scope: Scope, ids: readonly string[], partial: boolean): Promise<Entry[]> {
  const { context, call, request } = scope
  const { files, failures } = await foundNow(call, {
    renew: () => request.state.renew(),
    find: () => openAll(scope, ids),
    holds: ({ buckets }) => areAsJudged(context.engine, buckets),
  })
  const missing = failures.map(({ id, error }) => ({ id, code: error.code }))
  const [first] = missing
  if (first !== undefined && !partial) {
    const hides = failures.some(({ error }) => error.cause === HIDDEN)
    const cause = hides ? { cause: HIDDEN } : {}
    throw new HoldfastError('ASSET_NOT_FOUND', { asset_id: first.id, missing }, cause)
  }
  const parts = failures.map(({ id, error }) => partOf('downloadAsset', { id }, error))
  await auditRefusedParts(context, request, parts)
  return namedEntries(scope, files, missing)
}

/** Of an asset only what its entry needs: a record may have 32 KiB of metadata. */
type File = Pick<Content, 'size' | 'sha256' | 'contentType' | 'modifiedAt'> & {
  readonly name: string
}

/** Each is judged by itself, by policies with many statements. */
const STEP = 20

/** Everything is found and permitted before the first byte: later, only an abort can tell. */
async function openAll(scope: Scope, ids: readonly string[]) {
  const { context, call } = scope
  const files: File[] = []
  const failures: { readonly id: string; readonly error: HoldfastError }[] = []
  const buckets = new Map<string, number>()
  for (const [at, id] of [...new Set(ids.map(one => one.toLowerCase()))].entries()) {
    if (at % STEP === 0) await waitForTurn(scope)
    try {
      const asset = await getAsset(context.engine, call, id)
      // Before it is judged for the last time: a policy that comes later is another record.
      const { id: bucketId, seq } = await bucketOf(context.engine, asset)
      if (!buckets.has(bucketId)) buckets.set(bucketId, seq)
      const content = await openContent(context.engine, call, { asset })
      const { size, sha256, contentType, modifiedAt } = content
      files.push({ name: asset.name, size, sha256, contentType, modifiedAt })
    } catch (error) {
      if (!isHoldfastError(error) || error.code === 'UNAUTHENTICATED') throw error
      failures.push({ id, error })
    }
  }
  return { files, failures, buckets }
}

/** What a policy denies by the last turn was perhaps permitted in the first. */
async function areAsJudged(
  { catalog }: Engine,
  buckets: ReadonlyMap<string, number>,
): Promise<boolean> {
  for (const [id, seq] of buckets) {
    if ((await catalog.view.buckets.byId(id))?.seq !== seq) return false
  }
  return true
}

const TEXTUAL = /^text\/|[/+](json|xml|javascript)\b/

interface Entry {
  readonly name: string
  readonly size: number
  readonly modifiedAt: Date
  /** Only what is worth it: most content is compressed already. */
  readonly compress: boolean
  readonly read: () => AsyncIterable<Uint8Array>
}

function namedEntries(
  { context: { engine } }: Scope,
  files: readonly File[],
  missing: readonly Missing[],
): Entry[] {
  const names = new EntryNames()
  const entries = files.map(({ name, size, sha256, contentType, modifiedAt }) => ({
    name: names.add(name),
    size,
    modifiedAt: new Date(modifiedAt),
    compress: TEXTUAL.test(contentType),
    read: () => late(engine, sha256),
  }))
  if (missing.length === 0) return entries
  const text = Buffer.from(`${JSON.stringify(missing, null, 2)}\n`)
  async function* read() {
    yield text
  }
  const list = { name: names.add(MISSING), size: text.length, modifiedAt: new Date(0) }
  return [...entries, { ...list, compress: false, read }]
}

/** Bytes are opened when their turn comes, so a thousand entries hold one file open. */
async function* late(engine: Engine, sha256: string): AsyncGenerator<Uint8Array> {
  yield* chunksOf(await readKnownBlob(engine, sha256))
}

async function* zipOf(entries: readonly Entry[]): AsyncGenerator<Uint8Array> {
  const zip = new ZipFile()
  const output = new PassThrough()
  let current: Readable | undefined
  for (const { name, size, modifiedAt, compress, read } of entries) {
    zip.addReadStreamLazy(name, { mtime: modifiedAt, compress, size }, opened => {
      current = Readable.from(read())
      // yazl only pipes it: an error that nobody hears would end the process.
      current.on('error', error => output.destroy(error))
      opened(null, current)
    })
  }
  zip.on('error', (error: Error) => output.destroy(error))
  zip.outputStream.pipe(output)
  zip.end()
  try {
    for await (const chunk of output) if (chunk instanceof Uint8Array) yield chunk
  } finally {
    // A reader that left must not keep a file open.
    current?.destroy()
    output.destroy()
  }
}

async function* tarOf(entries: readonly Entry[]): AsyncGenerator<Uint8Array> {
  const tar = openTar()
  const fill = async () => {
    for (const { name, size, modifiedAt, read } of entries) {
      await pipeline(read(), tar.entry({ name, size, mtime: modifiedAt, mode: 0o644 }))
    }
    tar.finalize()
  }
  fill().catch((error: unknown) => tar.destroy(asError(error)))
  try {
    for await (const chunk of tar) if (chunk instanceof Uint8Array) yield chunk
  } finally {
    tar.destroy()
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('archive failed', { cause: error })
}
