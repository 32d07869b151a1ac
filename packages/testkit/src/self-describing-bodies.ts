import { SeededRandom } from './seeded-random.ts'

/**
 * Bodies in which every 512 bytes name their writer: block = label (magic, operation, block number,
 * length of the whole body, 4 bytes each, little-endian) and random bytes from the operation and
 * block number. So a wrong read is named (mixture, shift, stale tail, zeros), not only noticed.
 */
export const bodyBlockBytes = 512

const magic = 0x31424648
const labelBytes = 16

export function makeBody(operation: number, length: number): Uint8Array {
  return bodyPart({ operation, length }, 0, length)
}

function bodyPart(body: ExpectedBody, first: number, count: number): Uint8Array {
  const { operation, length } = body
  const firstBlock = Math.floor(first / bodyBlockBytes)
  const start = firstBlock * bodyBlockBytes
  const end = Math.min(length, first + count)
  const part = new Uint8Array(Math.max(0, end - start))
  for (let at = 0; at < part.length; at += bodyBlockBytes) {
    const block = firstBlock + at / bodyBlockBytes
    part.set(bodyBlock({ operation, block, length }).subarray(0, part.length - at), at)
  }
  return part.subarray(first - start)
}

/** The same body as a stream. */
export async function* bodySource(
  operation: number,
  length: number,
  chunkBytes = 64 * 1024,
): AsyncGenerator<Uint8Array> {
  const body = makeBody(operation, length)
  for (let at = 0; at < length; at += chunkBytes) {
    await undefined
    yield body.subarray(at, at + chunkBytes)
  }
}

export interface ExpectedBody {
  readonly operation: number
  /** Of the whole body. */
  readonly length: number
  /** Where the bytes begin in it; they reach to its end unless `count` says otherwise. */
  readonly first?: number
  readonly count?: number
}

/** What is wrong with the bytes, in one sentence that names what was found; undefined = nothing. */
export function bodyProblem(bytes: Uint8Array, expected: ExpectedBody): string | undefined {
  const { operation, length, first = 0 } = expected
  const count = expected.count ?? length - first
  const right = bodyPart(expected, first, count)
  if (Buffer.compare(bytes, right) === 0) return undefined
  const wanted = `wanted bytes ${first}-${first + count - 1} of operation ${operation} (${length})`
  const at = firstDifference(bytes, right)
  return `${wanted}, got ${bytes.length} bytes, first difference at ${at}: ${describeBytes(bytes)}`
}

/** Names what the bytes hold, run by run: `operation 5 blocks 0-3 of 4096 bytes; 512 zeros; …`. */
export function describeBytes(bytes: Uint8Array): string {
  const runs: Run[] = []
  for (let at = 0; at < bytes.length; ) {
    const found = foundAt(bytes, at)
    const last = runs.at(-1)
    if (last !== undefined && continues(last, found)) {
      last.count += found.count
      last.blocks += 1
    } else runs.push(found)
    at += found.count
  }
  return runs.length === 0 ? 'nothing' : runs.map(describeRun).join('; ')
}

interface Label {
  readonly operation: number
  readonly block: number
  readonly length: number
}

interface Run {
  readonly label: Label | undefined
  readonly state: 'whole' | 'damaged' | 'zeros' | 'unknown'
  count: number
  blocks: number
}

function bodyBlock({ operation, block, length }: Label): Uint8Array {
  const bytes = new SeededRandom(Math.imul(operation, 0x9e3779b1) ^ block).bytes(bodyBlockBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic, true)
  view.setUint32(4, operation, true)
  view.setUint32(8, block, true)
  view.setUint32(12, length, true)
  return bytes
}

function labelAt(bytes: Uint8Array, at: number): Label | undefined {
  if (at + labelBytes > bytes.length) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, labelBytes)
  if (view.getUint32(0, true) !== magic) return undefined
  const [operation, block] = [view.getUint32(4, true), view.getUint32(8, true)]
  return { operation, block, length: view.getUint32(12, true) }
}

function foundAt(bytes: Uint8Array, at: number): Run {
  const label = labelAt(bytes, at)
  if (label === undefined) return unlabelled(bytes, at)
  const inBody = Math.min(bodyBlockBytes, label.length - label.block * bodyBlockBytes)
  const count = Math.max(labelBytes, Math.min(inBody, bytes.length - at))
  const right = bodyBlock(label).subarray(0, count)
  const same = Buffer.compare(bytes.subarray(at, at + count), right) === 0
  return { label, state: same ? 'whole' : 'damaged', count, blocks: 1 }
}

function unlabelled(bytes: Uint8Array, at: number): Run {
  let end = at + 1
  while (end < bytes.length && labelAt(bytes, end) === undefined) end += 1
  const zeros = bytes.subarray(at, end).every(byte => byte === 0)
  return { label: undefined, state: zeros ? 'zeros' : 'unknown', count: end - at, blocks: 0 }
}

function continues(run: Run, next: Run): boolean {
  if (run.state !== 'whole' || next.state !== 'whole') return false
  if (run.label === undefined || next.label === undefined) return false
  return (
    run.label.operation === next.label.operation &&
    run.label.length === next.label.length &&
    run.label.block + run.blocks === next.label.block
  )
}

function describeRun({ label, state, count, blocks }: Run): string {
  if (label === undefined) return `${count} ${state === 'zeros' ? 'zeros' : 'unknown bytes'}`
  const last = label.block + blocks - 1
  const which = blocks === 1 ? `block ${label.block}` : `blocks ${label.block}-${last}`
  const damaged = state === 'damaged' ? ', damaged' : ''
  return `operation ${label.operation} ${which} of ${label.length} bytes${damaged}`
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  let at = 0
  while (at < Math.min(a.length, b.length) && a[at] === b[at]) at += 1
  return at
}
