import { rmSync } from 'node:fs'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Version } from '@holdfast/core/records.ts'
import { verifyStore } from '@holdfast/engine/integrity/verify.ts'
import { dump } from '@holdfast/testkit/catalog/dump.ts'
import { bodyProblem, bodySource } from '@holdfast/testkit/self-describing-bodies.ts'
import type { DamageKind } from './damage.ts'
import { type OpenedStore, openRotten, type SoundStore } from './sound-store.ts'

/** What was noticed of one damage, and by whom. */
export interface Notice {
  /** The store refused to open, with this code. */
  readonly refused: string | undefined
  /** Reads that were refused. */
  readonly unreadable: number
  /** Findings of the verification. */
  readonly findings: number
  readonly isEqual: boolean
  readonly problems: readonly string[]
}

/** Opens a damaged store and looks at everything in it. */
export async function lookAt(dir: string, sound: SoundStore): Promise<Notice> {
  let opened: OpenedStore
  try {
    opened = await openRotten(dir)
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    return { refused: error.code, unreadable: 0, findings: 0, isEqual: false, problems: [] }
  }
  try {
    return await lookInside(opened, sound)
  } catch (error) {
    // A catalog whose pages are damaged fails where they are asked for.
    if (!isCatalogDamage(error)) throw error
    return { refused: 'SQLITE_CORRUPT', unreadable: 0, findings: 0, isEqual: false, problems: [] }
  } finally {
    await opened[Symbol.asyncDispose]()
  }
}

export function isCatalogDamage(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^SQLITE_(CORRUPT|NOTADB|IOERR|ERROR|CONSTRAINT)/.test(code)
}

async function lookInside(opened: OpenedStore, sound: SoundStore): Promise<Notice> {
  const problems: string[] = []
  const expected = new Map(sound.records.versions.map(version => [version.id, version]))
  let unreadable = 0
  const found = await dump(opened.store.catalog.view)
  for (const version of found.versions) {
    const was = expected.get(version.id)
    if (version.kind === 'marker' || was === undefined) continue
    const problem = await readProblem(opened, version, was)
    if (problem === 'refused') unreadable += 1
    else if (problem !== undefined) problems.push(problem)
  }
  const { missing, damaged, orphaned } = await verifyStore(opened.engine)
  const isEqual = JSON.stringify(found) === JSON.stringify(sound.records)
  const findings = missing.length + damaged.length + orphaned.length
  return { refused: undefined, unreadable, findings, isEqual, problems }
}

/** Bytes that were sent whole must be those that were written. */
async function readProblem(
  { store, engine }: OpenedStore,
  version: Version,
  was: Version,
): Promise<string | undefined> {
  try {
    const blob = await store.catalog.view.blobs.get(version.sha256)
    if (blob === undefined) return 'refused'
    const read = await engine.element.read(blob)
    const chunks: Uint8Array[] = []
    for await (const chunk of read.chunks ?? [read.bytes]) chunks.push(Uint8Array.from(chunk))
    const operation = Number(was.metadata.operation)
    return bodyProblem(Buffer.concat(chunks), { operation, length: was.size })
  } catch (error) {
    if (isHoldfastError(error) || isCatalogDamage(error)) return 'refused'
    throw error
  }
}

/** Made again from the packs, the catalog must say what it said; undefined when it does. */
export async function rebuildProblem(dir: string, sound: SoundStore): Promise<string | undefined> {
  for (const end of ['', '-wal', '-shm']) rmSync(`${dir}/catalog.db${end}`, { force: true })
  try {
    await using opened = await openRotten(dir)
    const found = await dump(opened.store.catalog.view)
    if (JSON.stringify(found) === JSON.stringify(sound.records)) return undefined
    return 'made again, the catalog differs'
  } catch (error) {
    if (isHoldfastError(error)) return error.code
    throw error
  }
}

/** What a salvage keeps is what was written: no version with other bytes, none from nowhere. */
export async function salvageProblem(
  dir: string,
  { sound, kind }: { readonly sound: SoundStore; readonly kind: DamageKind },
): Promise<string | undefined> {
  for (const end of ['', '-wal', '-shm']) rmSync(`${dir}/catalog.db${end}`, { force: true })
  await using opened = await openRotten(dir, { salvage: true })
  const { versions } = await dump(opened.store.catalog.view)
  const stranger = versions.find(({ id }) => !sound.everIds.has(id))
  if (stranger !== undefined) return `salvage made version ${stranger.id} up`
  const missing = sound.records.versions.length - versions.length
  // An end that was cut off is no damage as far as the packs alone can tell.
  const { lost, cutBytes } = opened.store.recovery
  const tells = lost.length + cutBytes + (kind === 'truncate' ? 1 : 0)
  if (missing > 0 && tells === 0) {
    return `salvage lost ${missing} versions and says nothing`
  }
  const { problems } = await lookInside(opened, sound)
  return problems[0]
}

/** Puts every content again: afterwards nothing may be damaged. Answers how many were healed. */
export async function healAll(dir: string, sound: SoundStore): Promise<number | string> {
  await using opened = await openRotten(dir)
  const { engine } = opened
  const before = await verifyStore(engine)
  const hurt = new Set([...before.missing, ...before.damaged].map(({ sha256 }) => sha256))
  const healed = new Set<string>()
  for (const { sha256, size, metadata } of sound.records.versions) {
    // Markers have no content.
    if (sha256 === '' || !hurt.has(sha256)) continue
    await engine.element.write(bodySource(Number(metadata.operation), size), { length: size })
    healed.add(sha256)
  }
  const after = await verifyStore(engine)
  // Dead content, which no version names any more, cannot be put again; it waits for collection.
  const left = [...after.missing, ...after.damaged].filter(({ sha256 }) => healed.has(sha256))
  if (left.length > 0) return `${left.length} blobs are damaged after they were put again`
  const told = [...(engine.element.repair?.known.keys() ?? [])].filter(one => healed.has(one))
  return told.length > 0 ? 'damage is still told though it is gone' : healed.size
}
