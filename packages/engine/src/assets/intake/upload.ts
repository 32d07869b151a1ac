import type { Call } from '@holdfast/core/call.ts'
import type { DigestName, ExpectedDigests } from '@holdfast/core/digests.ts'
import type { BlobFacts, ByteSource, Staged, WriteOptions } from '@holdfast/core/ports/element.ts'
import type { Engine } from '../../engine.ts'
import { isDamagedBeside } from '../../integrity/examine.ts'
import { requireLength } from '../accepted.ts'

/** Bytes received and hashed, not yet an asset. */
export interface Upload {
  readonly facts: BlobFacts
  /** First bytes, for recognising the type. */
  readonly head: Uint8Array
  readonly staged: Staged | null
  /** Where the bytes lie already, on elements that cannot stage. */
  readonly location: string | null
  /** Frees what is held. Whoever staged calls it in a `finally`; calling it again does nothing. */
  discard(): Promise<void>
}

export interface StageOptions {
  readonly length?: number | undefined
  readonly expected?: ExpectedDigests | undefined
  readonly sizeMax?: number | undefined
  readonly md5?: boolean | undefined
  readonly digests?: readonly DigestName[] | undefined
  readonly trailing?: (() => ExpectedDigests) | undefined
}

const HEAD_BYTES = 4100

/** Receives bytes, or takes those that are all there. Whether they may be stored others ask. */
export async function receiveUpload(
  engine: Engine,
  call: Call,
  source: ByteSource | Uint8Array,
  options: StageOptions,
): Promise<Upload> {
  const write = writeOptions(engine, call, options)
  const { staging } = engine.element
  if (source instanceof Uint8Array) {
    const staged = staging?.stageWhole?.(source, write)
    if (staged !== undefined) return stagedUpload(staged)
  }
  const bytes = source instanceof Uint8Array ? arrived(source) : source
  if (staging !== undefined) {
    return stagedUpload(await besideParts(engine, await staging.stage(bytes, write)))
  }
  const leave = await engine.gate.enter()
  try {
    return await writtenUpload(engine, bytes, { write, leave })
  } catch (error) {
    leave()
    throw error
  }
}

/** Staging looks at the file that has the digest; where parts have the bytes, this does. */
async function besideParts(engine: Engine, staged: Staged): Promise<Staged> {
  const { sha256, size } = staged
  if (size < engine.limits.partBytesMin) return staged
  const place = await engine.catalog.view.blobs.place(sha256)
  if (place?.parts === undefined) return staged
  try {
    return (await isDamagedBeside(engine, sha256)) ? { ...staged, replaces: true } : staged
  } catch (error) {
    await staged.discard()
    throw error
  }
}

async function* arrived(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function writeOptions(engine: Engine, call: Call, options: StageOptions): WriteOptions {
  const { length, expected, md5, digests, trailing } = options
  const sizeMax = Math.min(options.sizeMax ?? Number.MAX_SAFE_INTEGER, engine.limits.assetBytesMax)
  requireLength(length, sizeMax)
  return {
    sizeMax,
    signal: call.signal,
    ...(length === undefined ? {} : { length }),
    ...(expected === undefined ? {} : { expected }),
    ...(md5 === undefined ? {} : { md5 }),
    ...(digests === undefined ? {} : { digests }),
    ...(trailing === undefined ? {} : { trailing }),
  }
}

function stagedUpload(staged: Staged): Upload {
  let discarded = false
  const { sha256, md5, size, blockBytes, sums, digests } = staged
  const facts = { sha256, md5, size, blockBytes, sums }
  return {
    facts: digests === undefined ? facts : { ...facts, digests },
    head: staged.head,
    staged,
    location: null,
    discard: async () => {
      if (discarded) return
      discarded = true
      await staged.discard()
    },
  }
}

/**
 * Discarding frees nothing: bytes that no version came to refer to are for the verification to
 * report, because a commit that seemed to fail may yet have happened.
 */
async function writtenUpload(
  engine: Engine,
  source: ByteSource,
  { write, leave }: { readonly write: WriteOptions; readonly leave: () => void },
): Promise<Upload> {
  const start = new Uint8Array(HEAD_BYTES)
  const taken = { bytes: 0 }
  const written = await engine.element.write(keepingStart(source, start, taken), write)
  const { location, ...facts } = written
  const head = start.subarray(0, taken.bytes)
  return { facts, head, staged: null, location, discard: async () => leave() }
}

async function* keepingStart(
  source: ByteSource,
  start: Uint8Array,
  taken: { bytes: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    const room = start.length - taken.bytes
    if (room > 0) {
      const part = chunk.subarray(0, room)
      start.set(part, taken.bytes)
      taken.bytes += part.length
    }
    yield chunk
  }
}
