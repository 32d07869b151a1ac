import { createHash } from 'node:crypto'
import { type ErrorCode, isHoldfastError } from '@holdfast/core/errors.ts'
import type { Blob } from '@holdfast/core/records.ts'
import { hashContent } from '../content/content-facts.ts'
import { readBlob } from '../content/read-blob.ts'
import type { Engine } from '../engine.ts'

export interface VerifyProgress {
  readonly blobs: number
  readonly blobsTotal: number
  readonly bytes: number
}

export interface VerifyOptions {
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface BlobFinding {
  readonly sha256: string
  readonly location: string
  readonly size: number
  readonly problem: string
}

export interface VerifyReport {
  readonly blobs: number
  readonly bytes: number
  readonly missing: readonly BlobFinding[]
  /** Blobs, and with an empty digest records of the element itself. */
  readonly damaged: readonly BlobFinding[]
  /** Bytes on the element that the catalog does not know: harmless, they only take room. */
  readonly orphaned: readonly BlobFinding[]
  /** True when findings were dropped because there are too many. */
  readonly truncated: boolean
}

const PAGE = 500
const FINDINGS_MAX = 10_000

/** Reads every blob whole and hashes it, then looks for bytes that belong to nothing. */
export async function verifyStore(
  engine: Engine,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const findings = { missing: newList(), damaged: newList(), orphaned: newList() }
  const { signal } = options
  const { blobs: blobsTotal } = await engine.catalog.view.blobs.totals()
  let blobs = 0
  let bytes = 0
  for await (const blob of allBlobs(engine)) {
    signal?.throwIfAborted()
    const finding = await checkBlob(engine, blob)
    if (finding !== undefined && (await isStillThere(engine, blob))) {
      findings[finding.kind].push(found(blob, finding.problem))
    }
    blobs += 1
    bytes += blob.size
    options.onProgress?.({ blobs, blobsTotal, bytes })
  }
  for await (const listed of engine.element.list()) {
    signal?.throwIfAborted()
    if ((await engine.catalog.view.blobs.get(listed.sha256)) !== undefined) continue
    findings.orphaned.push(found(listed, 'no catalog record refers to it'))
  }
  for await (const { place, problem } of engine.element.check?.() ?? []) {
    signal?.throwIfAborted()
    findings.damaged.push({ sha256: '', location: place, size: 0, problem })
  }
  return { blobs, bytes, ...finished(findings) }
}

async function* allBlobs(engine: Engine): AsyncGenerator<Blob> {
  let after: string | undefined
  for (;;) {
    const query = { ...(after === undefined ? {} : { after }), limit: PAGE }
    const page = await engine.catalog.view.blobs.list(query)
    yield* page
    after = page.at(-1)?.sha256
    if (page.length < PAGE || after === undefined) return
  }
}

type Kind = 'missing' | 'damaged'
const KINDS: Partial<Record<ErrorCode, Kind>> = { BLOB_MISSING: 'missing', BLOB_DAMAGED: 'damaged' }

async function checkBlob(
  engine: Engine,
  blob: Blob,
): Promise<{ kind: Kind; problem: string } | undefined> {
  try {
    const { sha256, size } = await hashOf(engine, blob)
    if (sha256 === blob.sha256 && size === blob.size) return undefined
    return { kind: 'damaged', problem: `${size} bytes with SHA-256 ${sha256} were read` }
  } catch (error) {
    const kind = isHoldfastError(error) ? KINDS[error.code] : undefined
    if (kind === undefined) throw error
    return { kind, problem: isHoldfastError(error) ? error.message : '' }
  }
}

async function hashOf(engine: Engine, blob: Blob): Promise<{ sha256: string; size: number }> {
  const hash = createHash('sha256')
  const size = await hashContent(await readBlob(engine, blob), hash)
  return { sha256: hash.digest('hex'), size }
}

/** Blobs may be collected or moved while they are checked; then the finding is void. */
async function isStillThere(engine: Engine, blob: Blob): Promise<boolean> {
  const now = await engine.catalog.view.blobs.get(blob.sha256)
  return now !== undefined && now.location === blob.location
}

interface FindingList {
  readonly items: BlobFinding[]
  dropped: number
  push(finding: BlobFinding): void
}

function newList(): FindingList {
  const items: BlobFinding[] = []
  return {
    items,
    dropped: 0,
    push(finding) {
      if (items.length < FINDINGS_MAX) items.push(finding)
      else this.dropped += 1
    },
  }
}

function found(blob: Omit<BlobFinding, 'problem'>, problem: string): BlobFinding {
  return { sha256: blob.sha256, location: blob.location, size: blob.size, problem }
}

function finished(findings: Record<Kind | 'orphaned', FindingList>) {
  const { missing, damaged, orphaned } = findings
  return {
    missing: missing.items,
    damaged: damaged.items,
    orphaned: orphaned.items,
    truncated: missing.dropped + damaged.dropped + orphaned.dropped > 0,
  }
}
