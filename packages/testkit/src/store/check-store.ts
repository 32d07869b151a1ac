import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { BlobPlace, Element } from '@holdfast/core/ports/element.ts'
import type { Asset, Version } from '@holdfast/core/records.ts'
import { checkTotals, type Dump, dump } from '../catalog/dump.ts'
import { bodyProblem } from '../self-describing-bodies.ts'
import type { Content, History, State } from './history.ts'
import type { OpenedStore } from './store-actor.ts'

/** Everything the history promises, held against an opened store. Throws what it finds broken. */
export async function checkStore(store: OpenedStore, history: History): Promise<Dump> {
  const found = await dump(store.catalog.view)
  checkTotals(found)
  await checkBytes(store, found)
  const problems: string[] = []
  for (const key of history.keys) {
    const problem = history.problem(key, await stateOf(store.catalog, found, key))
    if (problem !== undefined) problems.push(problem)
  }
  const keys = new Set(history.keys)
  for (const { key } of found.assets) if (!keys.has(key)) problems.push(`unknown key ${key}`)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return found
}

/** Takes what is there now as what must stay. */
export async function settleHistory(store: OpenedStore, history: History): Promise<void> {
  const found = await dump(store.catalog.view)
  for (const key of history.keys) history.saw(key, await stateOf(store.catalog, found, key))
}

async function stateOf(catalog: Catalog, found: Dump, key: string): Promise<State> {
  const inDump = found.assets.filter(asset => asset.key === key)
  if (inDump.length > 1) throw new Error(`key ${key} has ${inDump.length} assets`)
  const [asset] = inDump
  if (asset === undefined) return undefined
  const byKey = await catalog.view.assets.byKey(asset.bucketId, key)
  if (byKey?.id !== asset.id) throw new Error(`key ${key} is listed, but not found`)
  const versions = found.versions.filter(({ assetId }) => assetId === asset.id)
  return {
    creator: Number(asset.metadata.creator),
    contents: versions.flatMap(contentOf).sort((a, b) => a.number - b.number),
    lastNumber: lastNumberOf(asset, versions),
    deleted: asset.deletedAt !== null,
    tag: Number(asset.metadata.tag),
  }
}

function contentOf({ kind, number, metadata, size }: Version): Content[] {
  if (kind === 'marker') return []
  return [{ number, operation: Number(metadata.operation), body: Number(metadata.body), size }]
}

function lastNumberOf(asset: Asset, versions: readonly Version[]): number {
  const last = Math.max(...versions.map(({ number }) => number))
  if (asset.lastNumber !== last) {
    throw new Error(`asset ${asset.key} says last ${asset.lastNumber}, its versions ${last}`)
  }
  return last
}

/** Every version's bytes, whole and one range, and the element's own list. */
async function checkBytes({ catalog, element }: OpenedStore, found: Dump): Promise<void> {
  const blobs = new Map(found.blobs.map(blob => [blob.sha256, blob]))
  const listed = new Set<string>()
  for await (const { sha256 } of element.list()) {
    if (listed.has(sha256)) throw new Error(`${sha256} is listed twice`)
    listed.add(sha256)
  }
  for (const version of found.versions) {
    if (version.kind === 'marker') continue
    const blob = blobs.get(version.sha256)
    if (blob === undefined) throw new Error(`version ${version.id} has no blob`)
    const pieces =
      blob.parts === undefined ? [blob] : blob.parts.map(({ sha256 }) => blobs.get(sha256))
    for (const piece of pieces) {
      if (piece === undefined) throw new Error(`${blob.sha256} lacks a part`)
      if (!listed.has(piece.sha256)) throw new Error(`${piece.sha256} is not listed`)
    }
    const found = pieces.filter(piece => piece !== undefined)
    await checkBody(element, { ...blob, pieces: found }, Number(version.metadata.body))
  }
  if ((await catalog.probe()).state !== 'up') throw new Error('the catalog is not up')
}

type Pieces = BlobPlace & { readonly pieces: readonly BlobPlace[] }

async function checkBody(element: Element, place: Pieces, body: number): Promise<void> {
  const expected = { operation: body, length: place.size }
  const read = await Promise.all(place.pieces.map(piece => bytesOf(element, piece)))
  const whole = Buffer.concat(read)
  const problem = bodyProblem(whole, expected)
  if (problem !== undefined) throw new Error(problem)
  // A range of composed bytes is for whoever puts the parts together.
  if (place.size < 2 || place.pieces.length > 1) return
  const first = Math.floor(place.size / 3)
  const last = place.size - 2
  const part = await bytesOf(element, place, { first, last })
  const partProblem = bodyProblem(part, { ...expected, first, count: last - first + 1 })
  if (partProblem !== undefined) throw new Error(partProblem)
}

async function bytesOf(
  element: Element,
  place: BlobPlace,
  range?: { first: number; last: number },
): Promise<Uint8Array> {
  const read = await element.read(place, range)
  if (read.bytes !== undefined) return read.bytes
  const chunks: Uint8Array[] = []
  for await (const chunk of read.chunks) chunks.push(Uint8Array.from(chunk))
  return Buffer.concat(chunks)
}
