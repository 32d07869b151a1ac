import { type ErrorCode, HoldfastError } from '@holdfast/core/errors.ts'
import type { AuditEntry, Identity } from '@holdfast/core/identities.ts'
import type { AccessKey, MultipartUpload, UploadPart } from '@holdfast/core/objects.ts'
import type { AssetFilter } from '@holdfast/core/ports/asset-questions.ts'
import type {
  CatalogTransaction,
  ComposedBlob,
  Moment,
  NewChange,
} from '@holdfast/core/ports/catalog.ts'
import type { BlobFacts } from '@holdfast/core/ports/element.ts'
import type {
  ApiKey,
  Asset,
  Bucket,
  Link,
  Quota,
  QuotaScope,
  Version,
} from '@holdfast/core/records.ts'

/**
 * Named transactions for tests. They import only core, so that a committer in another thread can
 * load this module by `transactionsUrl`.
 */
export const transactions = { script, increment, swapKeys, keepOpen, useEscaped, bigResult }

export const transactionsUrl = import.meta.url

/**
 * One thing a scripted transaction does. In records, a `seq` or `createdSeq` of 0 becomes the
 * sequence of the next `note`; an id of '' becomes a new one.
 */
export type Step =
  | WriteStep
  | { readonly do: 'note'; readonly change: NewChange }
  | { readonly do: 'ask'; readonly question: Question }

type WriteStep =
  | { readonly do: 'bucket'; readonly record: Bucket }
  | { readonly do: 'asset'; readonly record: Asset }
  | { readonly do: 'version'; readonly record: Version }
  | { readonly do: 'link'; readonly record: Link }
  | { readonly do: 'quota'; readonly record: Quota }
  | { readonly do: 'key'; readonly record: ApiKey }
  | { readonly do: 'accessKey'; readonly record: AccessKey }
  | { readonly do: 'upload'; readonly record: MultipartUpload }
  | { readonly do: 'part'; readonly record: UploadPart }
  | { readonly do: 'compose'; readonly blob: ComposedBlob }
  | { readonly do: 'identity'; readonly record: Identity }
  | { readonly do: 'audit'; readonly entry: AuditEntry }
  | { readonly do: 'dropAudits'; readonly until: number }
  | { readonly do: 'remove'; readonly what: Removable; readonly id: string }
  | { readonly do: 'removeQuota'; readonly scope: QuotaScope; readonly name: string }
  | { readonly do: 'keep'; readonly facts: BlobFacts; readonly location: string | null }
  | { readonly do: 'refuse'; readonly code: ErrorCode }
  | { readonly do: 'throw'; readonly message: string }
  | { readonly do: 'pause' }

export type Removable = 'bucket' | 'asset' | 'version' | 'link' | 'blob' | 'upload' | 'identity'

/** Questions inside a transaction: it must see its own writes. */
export type Question =
  | { readonly of: 'asset'; readonly id: string }
  | { readonly of: 'key'; readonly bucketId: string; readonly key: string }
  | { readonly of: 'usage'; readonly scope: QuotaScope; readonly name: string }
  | { readonly of: 'count'; readonly filter: AssetFilter }
  | { readonly of: 'blob'; readonly sha256: string }
  | { readonly of: 'latest' }

export interface ScriptResult {
  /** Sequence numbers of the notes, in order. */
  readonly seqs: readonly number[]
  readonly answers: readonly unknown[]
  /** The records as written, in the order of their steps. */
  readonly records: readonly unknown[]
  readonly now: string
}

async function script(
  tx: CatalogTransaction,
  steps: readonly Step[],
  moment: Moment,
): Promise<ScriptResult> {
  const seqs: number[] = []
  const answers: unknown[] = []
  const records: unknown[] = []
  for (const step of steps) {
    if (step.do === 'note') seqs.push(await tx.note(step.change))
    else if (step.do === 'ask') answers.push(await answer(tx, step.question))
    else {
      const written = await perform(tx, step, await tx.nextSeq())
      if (written !== undefined) records.push(written)
    }
  }
  return { seqs, answers, records, now: moment.now }
}

async function perform(tx: CatalogTransaction, step: WriteStep, seq: number): Promise<unknown> {
  switch (step.do) {
    case 'bucket':
      return await put(numbered(step.record, seq), record => tx.put.bucket(record))
    case 'asset':
      return await put(numbered(step.record, seq), record => tx.put.asset(record))
    case 'version':
      return await put(numbered(step.record, seq), record => tx.put.version(record))
    case 'link':
      return await put(numbered(step.record, seq), record => tx.put.link(record))
    case 'quota':
      return await put(numbered(step.record, seq), record => tx.put.quota(record))
    case 'key':
      return await put(numbered(step.record, seq), record => tx.put.key(record))
    case 'accessKey':
      return await put(numbered(step.record, seq), record => tx.put.accessKey(record))
    case 'upload':
      return await put(numbered(step.record, seq), record => tx.put.upload(record))
    case 'part':
      return await put(numbered(step.record, seq), record => tx.put.part(record))
    case 'compose':
      return await tx.composeBlob(step.blob)
    case 'identity':
      return await put(numbered(step.record, seq), record => tx.put.identity(record))
    case 'audit':
      return await tx.audit(step.entry)
    case 'dropAudits':
      return await tx.remove.audits(step.until)
    case 'remove':
      return await tx.remove[step.what](step.id)
    case 'removeQuota':
      return await tx.remove.quota(step.scope, step.name)
    case 'keep':
      return await tx.keepBlob(step.facts, step.location)
    case 'pause':
      return await new Promise<void>(resolve => setImmediate(resolve))
    case 'refuse':
      throw new HoldfastError(step.code, { by: 'script' })
    case 'throw':
      throw new Error(step.message)
  }
}

async function put<T>(record: T, write: (record: T) => unknown): Promise<T> {
  await write(record)
  return record
}

function numbered<T extends { readonly seq: number; readonly createdSeq?: number }>(
  record: T,
  seq: number,
): T {
  const created = record.createdSeq === 0 ? { createdSeq: seq } : {}
  return { ...record, ...created, seq: record.seq === 0 ? seq : record.seq }
}

async function answer(tx: CatalogTransaction, question: Question): Promise<unknown> {
  switch (question.of) {
    case 'asset':
      return (await tx.assets.byId(question.id)) ?? null
    case 'key':
      return (await tx.assets.byKey(question.bucketId, question.key)) ?? null
    case 'usage':
      return await tx.quotas.usage(question.scope, question.name)
    case 'count':
      return await tx.assets.count(question.filter)
    case 'blob':
      return (await tx.blobs.get(question.sha256)) ?? null
    case 'latest':
      return await tx.changes.latest()
  }
}

/** Reads, waits and writes back: two of them at once lose an update unless they are serialised. */
async function increment(tx: CatalogTransaction, assetId: string): Promise<number> {
  const asset = await tx.assets.byId(assetId)
  if (asset === undefined) throw new HoldfastError('ASSET_NOT_FOUND')
  const before = Number(asset.metadata.count ?? 0)
  await new Promise<void>(resolve => setImmediate(resolve))
  const count = before + 1
  const seq = await tx.nextSeq()
  await tx.put.asset({ ...asset, metadata: { ...asset.metadata, count }, seq })
  await tx.note({ what: 'asset.updated', assetId, detail: { count } })
  return count
}

/** Several puts of the same records in one transaction: the last one counts. */
async function swapKeys(
  tx: CatalogTransaction,
  { one, other }: { one: string; other: string },
): Promise<void> {
  const a = await tx.assets.byId(one)
  const b = await tx.assets.byId(other)
  if (a === undefined || b === undefined) throw new HoldfastError('ASSET_NOT_FOUND')
  const seq = await tx.nextSeq()
  await tx.put.asset({ ...a, key: `${a.key}~moving`, seq })
  await tx.put.asset({ ...b, key: a.key, seq })
  await tx.put.asset({ ...a, key: b.key, seq })
  await tx.note({ what: 'asset.moved', assetId: one })
}

let escaped: CatalogTransaction | undefined

async function keepOpen(tx: CatalogTransaction): Promise<void> {
  escaped = tx
}

/** Names of the uses that did not throw although their transaction is over. */
async function useEscaped(tx: CatalogTransaction): Promise<string[]> {
  const old = escaped
  if (old === undefined || old === tx) throw new Error('no transaction has escaped')
  const uses: Record<string, () => unknown> = {
    'buckets.count': () => old.buckets.count(),
    'assets.byId': () => old.assets.byId('x'),
    'changes.latest': () => old.changes.latest(),
    note: () => old.note({ what: 'asset.updated' }),
    nextSeq: () => old.nextSeq(),
    'remove.asset': () => old.remove.asset('x'),
    'remove.blob': () => old.remove.blob('0'.repeat(64)),
    'remove.upload': () => old.remove.upload('x'),
    'objects.nullVersion': () => old.objects.nullVersion('x'),
    'uploads.count': () => old.uploads.count(),
    'accessKeys.list': () => old.accessKeys.list(),
    'accessKeys.byPrincipal': () => old.accessKeys.byPrincipal('x'),
    composeBlob: () => old.composeBlob({ sha256: '0'.repeat(64), size: 0, parts: [] }),
  }
  const worked: string[] = []
  for (const [name, use] of Object.entries(uses)) {
    try {
      await use()
      worked.push(name)
    } catch {
      // As promised.
    }
  }
  return worked
}

/** A result of some size, to see that it crosses whole. */
async function bigResult(_: CatalogTransaction, length: number): Promise<Uint8Array> {
  return new Uint8Array(length).fill(7)
}
