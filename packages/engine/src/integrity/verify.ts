import type { Blob } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'
import { type DamageKind, examineBlob, healBlob } from './examine.ts'

export interface VerifyProgress {
  readonly blobs: number
  readonly blobsTotal: number
  readonly bytes: number
  /** Of the catalog, compared before the bytes are read. */
  readonly records: number
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
  /** Blobs, and with an empty digest records of the element or of the catalog. */
  readonly damaged: readonly BlobFinding[]
  /** Blobs that were damaged or missing and are whole again, from another copy. */
  readonly healed: readonly BlobFinding[]
  /** Bytes on the element that the catalog does not know: harmless, they only take room. */
  readonly orphaned: readonly BlobFinding[]
  /** True when findings were dropped because there are too many. */
  readonly truncated: boolean
}

const PAGE = 500
const FINDINGS_MAX = 10_000

/**
 * Compares the catalog with what it can be made again from, reads every blob whole and hashes it,
 * heals what another copy can heal, then looks for bytes that belong to nothing.
 */
export async function verifyStore(
  engine: Engine,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const findings = {
    missing: newList(),
    damaged: newList(),
    healed: newList(),
    orphaned: newList(),
  }
  const { signal } = options
  let records = 0
  const { blobs: blobsTotal } = await engine.catalog.view.blobs.totals()
  let blobs = 0
  let bytes = 0
  const tell = () => options.onProgress?.({ blobs, blobsTotal, bytes, records })
  const onRecords = (more: number) => {
    records += more
    tell()
  }
  const faults = engine.catalog.check?.({ signal, onRecords }) ?? []
  for await (const { place, problem } of faults) {
    findings.damaged.push({ sha256: '', location: place, size: 0, problem })
  }
  for await (const blob of allBlobs(engine)) {
    signal?.throwIfAborted()
    const finding = await examineBlob(engine, blob)
    if (finding !== undefined) {
      const list = (await healBlob(engine, blob)) ? 'healed' : finding.kind
      findings[list].push(found(blob, finding.problem))
    }
    blobs += 1
    bytes += blob.size
    tell()
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

/** Composed ones last: by then their parts are healed, where that can be. */
async function* allBlobs(engine: Engine): AsyncGenerator<Blob> {
  for (const composed of [false, true]) {
    for await (const blob of listedBlobs(engine)) {
      if ((blob.parts !== undefined) === composed) yield blob
    }
  }
}

async function* listedBlobs(engine: Engine): AsyncGenerator<Blob> {
  let after: string | undefined
  for (;;) {
    const query = { ...(after === undefined ? {} : { after }), limit: PAGE }
    const page = await engine.catalog.view.blobs.list(query)
    yield* page
    after = page.at(-1)?.sha256
    if (page.length < PAGE || after === undefined) return
  }
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

function finished(findings: Record<DamageKind | 'healed' | 'orphaned', FindingList>) {
  const { missing, damaged, healed, orphaned } = findings
  return {
    missing: missing.items,
    damaged: damaged.items,
    healed: healed.items,
    orphaned: orphaned.items,
    truncated: missing.dropped + damaged.dropped + healed.dropped + orphaned.dropped > 0,
  }
}
