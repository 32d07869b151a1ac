import assert from 'node:assert/strict'
import { type AuditRow, type Identity, identityKinds } from '@holdfast/core/identities.ts'
import type { AccessKey, MultipartUpload, UploadPart } from '@holdfast/core/objects.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import {
  type Asset,
  type Blob,
  type BriefVersion,
  type Bucket,
  type Change,
  type Link,
  type QuotaScope,
  quotaScopes,
  type Usage,
  type Version,
} from '@holdfast/core/records.ts'

/** Everything a catalog can be asked about its records and totals, to compare two of them. */
export interface Dump {
  readonly buckets: readonly Bucket[]
  readonly assets: readonly Asset[]
  readonly versions: readonly Version[]
  readonly blobs: readonly Blob[]
  readonly links: readonly Link[]
  readonly quotas: readonly unknown[]
  readonly keys: readonly unknown[]
  readonly accessKeys: readonly AccessKey[]
  readonly uploads: readonly MultipartUpload[]
  readonly parts: readonly UploadPart[]
  readonly identities: readonly Identity[]
  readonly audits: readonly AuditRow[]
  readonly changes: readonly Change[]
  readonly usage: Readonly<Record<string, Usage>>
  readonly totals: unknown
  readonly stats: unknown
}

const page = 200
/** A rebuild gives the dead a new grace period, so when they died is not compared. */
const SOME_TIME = '1970-01-01T00:00:00.000Z'

export async function dump(view: CatalogView): Promise<Dump> {
  const buckets = await pages<Bucket>(last =>
    view.buckets.list({ ...(last && { after: last.name }), limit: page }),
  )
  const assets = await pages<Asset>(last =>
    view.assets.list({
      ...(last && { beforeSeq: last.createdSeq }),
      deleted: 'with',
      limit: page,
    }),
  )
  const versions: Version[] = []
  const links = new Map<string, Link>()
  for (const { id } of assets) {
    const listed = await view.versions.list({ assetId: id, deleted: 'with', limit: 10_000 })
    for (const version of listed) versions.push(await wholeOf(view, version))
    for (const link of await view.links.of({ assetId: id, limit: 10_000 })) links.set(link.id, link)
  }
  const { uploads, parts } = await uploadsOf(view, buckets)
  return {
    buckets,
    assets,
    versions,
    blobs: (
      await pages<Blob>(last =>
        view.blobs.list({ ...(last && { after: last.sha256 }), limit: page }),
      )
    ).map(blob => ({ ...blob, deadSince: blob.deadSince === null ? null : SOME_TIME })),
    links: [...links.values()],
    quotas: await view.quotas.list(),
    keys: await view.keys.list(),
    accessKeys: await view.accessKeys.list(),
    uploads,
    parts,
    identities: await identitiesOf(view),
    audits: await pages<AuditRow>(last => view.audits.after(last?.seq ?? 0, page), 1),
    changes: await pages<Change>(last => view.changes.after(last?.seq ?? 0, page)),
    usage: await usageOf(view, buckets, [...assets, ...uploads]),
    totals: await view.blobs.totals(),
    stats: await view.assets.stats({}),
  }
}

/** Lists leave parts out, and nothing else. */
async function wholeOf(view: CatalogView, listed: BriefVersion): Promise<Version> {
  const whole = await view.versions.byId(listed.id)
  if (whole === undefined) throw new Error(`version ${listed.id} is listed and not there`)
  assert.deepEqual(briefOf(whole), listed)
  return whole
}

export function briefOf({ object, ...version }: Version): BriefVersion {
  if (object === undefined) return version
  const { parts: _, ...facets } = object
  return { ...version, object: facets }
}

async function uploadsOf(view: CatalogView, buckets: readonly Bucket[]) {
  const uploads: MultipartUpload[] = []
  const parts: UploadPart[] = []
  for (const { id } of buckets) {
    for (const { upload } of await view.uploads.list({ bucketId: id, limit: 10_000 })) {
      if (upload !== undefined) uploads.push(upload)
    }
  }
  for (const { id } of uploads) {
    parts.push(...(await view.uploads.parts({ uploadId: id, limit: 10_000 })))
  }
  return { uploads, parts }
}

async function identitiesOf(view: CatalogView): Promise<Identity[]> {
  const all: Identity[] = []
  for (const kind of identityKinds) {
    const found = await pages<Identity>(last =>
      view.identities.list({ kind, ...(last && { after: last.id }), limit: page }),
    )
    all.push(...found)
  }
  return all
}

async function usageOf(
  view: CatalogView,
  buckets: readonly Bucket[],
  payers: readonly Payer[],
): Promise<Record<string, Usage>> {
  const names: Record<QuotaScope, Set<string>> = {
    bucket: new Set(buckets.map(({ name }) => name)),
    owner: new Set(payers.map(({ ownerId }) => ownerId)),
    service: new Set(payers.map(({ service }) => service)),
  }
  const usage: Record<string, Usage> = {}
  for (const scope of quotaScopes) {
    for (const name of [...names[scope]].sort()) {
      usage[`${scope} ${name}`] = await view.quotas.usage(scope, name)
    }
  }
  return usage
}

/** Until one of them is shorter. */
async function pages<T>(
  next: (last: T | undefined) => T[] | Promise<T[]>,
  whole = page,
): Promise<T[]> {
  const all: T[] = []
  for (;;) {
    const found = await next(all.at(-1))
    all.push(...found)
    if (found.length < whole) return all
  }
}

type Payer = Pick<Asset, 'bucketId' | 'ownerId' | 'service'>

/** What the totals must be, counted from the records alone (C8). */
export function recount(dump: Dump): { usage: Record<string, Usage>; references: string[] } {
  const usage: Record<string, { assets: number; bytes: number }> = {}
  const add = (name: string, assets: number, bytes: number) => {
    const before = usage[name] ?? { assets: 0, bytes: 0 }
    usage[name] = { assets: before.assets + assets, bytes: before.bytes + bytes }
  }
  const bucketNames = new Map(dump.buckets.map(({ id, name }) => [id, name]))
  for (const { name } of dump.buckets) add(`bucket ${name}`, 0, 0)
  const scopes = ({ bucketId, ownerId, service }: Payer) => [
    `bucket ${bucketNames.get(bucketId)}`,
    `owner ${ownerId}`,
    `service ${service}`,
  ]
  const byId = new Map(dump.assets.map(asset => [asset.id, asset]))
  for (const asset of dump.assets) for (const scope of scopes(asset)) add(scope, 1, 0)
  const references = new Map<string, number>()
  for (const version of dump.versions) {
    const asset = byId.get(version.assetId)
    if (asset !== undefined) for (const scope of scopes(asset)) add(scope, 0, version.size)
    if (version.kind === 'marker') continue
    references.set(version.sha256, (references.get(version.sha256) ?? 0) + 1)
  }
  const uploads = new Map(dump.uploads.map(upload => [upload.id, upload]))
  for (const upload of dump.uploads) for (const scope of scopes(upload)) add(scope, 0, 0)
  for (const { uploadId, size, sha256 } of dump.parts) {
    const upload = uploads.get(uploadId)
    if (upload !== undefined) for (const scope of scopes(upload)) add(scope, 0, size)
    references.set(sha256, (references.get(sha256) ?? 0) + 1)
  }
  for (const { parts } of dump.blobs) {
    for (const { sha256 } of parts ?? []) references.set(sha256, (references.get(sha256) ?? 0) + 1)
  }
  return {
    usage,
    references: dump.blobs.map(({ sha256 }) => `${sha256} ${references.get(sha256) ?? 0}`),
  }
}

/** Throws when any total differs from the recount, or a version has no blob. */
export function checkTotals(dump: Dump): void {
  const counted = recount(dump)
  const fail = (what: string, is: unknown, should: unknown) => {
    throw new Error(`${what} is ${JSON.stringify(is)}, recounted ${JSON.stringify(should)}`)
  }
  for (const name of new Set([...Object.keys(dump.usage), ...Object.keys(counted.usage)])) {
    const [is, should] = [dump.usage[name], counted.usage[name]]
    if (is?.assets !== should?.assets || is?.bytes !== should?.bytes) fail(name, is, should)
  }
  const references = dump.blobs.map(({ sha256, references }) => `${sha256} ${references}`)
  if (references.join() !== counted.references.join()) {
    fail('references', references, counted.references)
  }
  const known = new Set(dump.blobs.map(({ sha256 }) => sha256))
  for (const { id, kind, sha256 } of dump.versions) {
    if (kind === 'content' && !known.has(sha256))
      fail(`the blob of version ${id}`, 'absent', sha256)
  }
  for (const { sha256 } of [...dump.parts, ...dump.blobs.flatMap(({ parts }) => parts ?? [])]) {
    if (!known.has(sha256)) fail(`the blob of part ${sha256}`, 'absent', sha256)
  }
  for (const { sha256, references, deadSince } of dump.blobs) {
    if ((references === 0) !== (deadSince !== null)) fail(`deadSince of ${sha256}`, deadSince, null)
  }
  checkBlobTotals(dump, fail)
  checkStats(dump, fail)
  checkSequence(dump, fail)
}

type Fail = (what: string, is: unknown, should: unknown) => void

function checkBlobTotals({ totals, blobs }: Dump, fail: Fail): void {
  // Composed blobs have no bytes of their own.
  const bytes = (kept: readonly Blob[]) =>
    kept.reduce((sum, { size, parts }) => sum + (parts === undefined ? size : 0), 0)
  const dead = blobs.filter(({ references }) => references === 0)
  const should = {
    blobs: blobs.length,
    bytes: bytes(blobs),
    dead: bytes(dead),
    deadBlobs: dead.length,
  }
  if (sorted(totals) !== sorted(should)) fail('blobs.totals', totals, should)
}

function checkStats({ stats, assets }: Dump, fail: Fail): void {
  const types: Record<string, number> = {}
  const perService = new Map<string, { assets: number; bytes: number }>()
  let bytes = 0
  const live = assets.filter(({ deletedAt }) => deletedAt === null)
  for (const { type, service, size } of live) {
    types[type] = (types[type] ?? 0) + 1
    const before = perService.get(service) ?? { assets: 0, bytes: 0 }
    perService.set(service, { assets: before.assets + 1, bytes: before.bytes + size })
    bytes += size
  }
  const services = Object.fromEntries(perService)
  const should = { assets: live.length, bytes, types, services }
  if (sorted(stats) !== sorted(should)) fail('assets.stats', stats, should)
}

function checkSequence({ changes }: Dump, fail: Fail): void {
  for (const [index, { seq }] of changes.entries()) {
    if (seq !== index + 1) fail(`change ${index + 1}`, seq, index + 1)
  }
}

/** JSON with sorted keys, without zeros that one side may leave out. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
