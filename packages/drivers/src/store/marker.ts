import { HoldfastError } from '@holdfast/core/errors.ts'
import { isUuid, newUuid, toHex } from '@holdfast/core/ids.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { fromDisk } from '../disk/disk-errors.ts'
import { readText } from '../disk/read-text.ts'
import { BLOBS, MARKER, NOTES, PACKS, TEMP } from '../element/disk/layout.ts'

/** The newest format that this version knows; newer ones are refused, never guessed at. */
export const FORMAT = 2

/** What a fresh store has. Only where `sealing` is there, older programs must not open it. */
const PLAIN_FORMAT = 1
const SEALING_FORMAT = 2

export interface Marker {
  readonly format: number
  readonly element: string
  readonly created: string
  /** Proves batches, for the store's life; hex. Seals and signs links until it is changed. */
  readonly secret: string
  /**
   * What seals and signs links since it was changed; behind it, while that is under way, what did
   * before: not everything is sealed anew yet.
   */
  readonly sealing?: readonly [string, string?]
}

const OWN_NAMES = new Set([PACKS, BLOBS, TEMP, NOTES, 'lock'])

export interface MarkerParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
}

/**
 * Reads the marker that says "this is element X". A directory without one is an empty disk or
 * somebody else's: only an empty one is made into a store, so that an unmounted volume can never
 * look like a store that lost everything.
 */
export function openMarker(parts: MarkerParts, dir: string): Marker {
  const { disk } = parts
  const path = `${dir}/${MARKER}`
  const known = disk.stat(path)
  if (known === undefined) return initialise(parts, dir)
  const marker = parseMarker(readText(disk, path))
  disk.syncDir(dir)
  return marker
}

function initialise(parts: MarkerParts, dir: string): Marker {
  const { disk, clock, random } = parts
  const foreign = disk.list(dir).filter(({ name }) => !ownBeforeMarker(name))
  const packs = disk.stat(`${dir}/${PACKS}`) === undefined ? [] : disk.list(`${dir}/${PACKS}`)
  if (foreign.length > 0 || packs.length > 0) {
    throw new HoldfastError('STORE_FOREIGN', { reason: 'not empty, and no marker of a store' })
  }
  for (const name of [PACKS, BLOBS, TEMP, NOTES]) disk.makeDir(`${dir}/${name}`)
  // The marker says that they are there, so they must be durable before it.
  disk.syncDir(dir)
  const marker: Marker = {
    format: PLAIN_FORMAT,
    element: newUuid(clock, random),
    created: new Date(clock.now()).toISOString(),
    secret: toHex(random.bytes(32)),
  }
  writeMarker(disk, dir, marker)
  return marker
}

/** What seals, and what did before while that is being changed. */
export function sealingOf({ secret, sealing }: Marker): readonly [string, string?] {
  return sealing ?? [secret]
}

/**
 * Another secret seals from now on, the present one still opens: durable when it returns. A change
 * that was cut off is gone on with.
 */
export function beginSecret(
  { disk, random }: Pick<MarkerParts, 'disk' | 'random'>,
  dir: string,
  marker: Marker,
): Marker {
  const [present, former] = sealingOf(marker)
  if (former !== undefined) return marker
  const sealing = [toHex(random.bytes(32)), present] as const
  const begun = { ...marker, format: SEALING_FORMAT, sealing }
  writeMarker(disk, dir, begun)
  return begun
}

/** Only for who has sealed everything anew: the former secret opens nothing from now on. */
export function dropFormer(disk: Disk, dir: string, marker: Marker): void {
  const [present, former] = sealingOf(marker)
  if (former !== undefined) writeMarker(disk, dir, { ...marker, sealing: [present] })
}

function writeMarker(disk: Disk, dir: string, marker: Marker): void {
  writeText(disk, dir, { name: MARKER, text: `${JSON.stringify(marker, null, 2)}\n` })
}

function ownBeforeMarker(name: string): boolean {
  return OWN_NAMES.has(name) || name.startsWith('lock') || name === `${MARKER}.new`
}

function parseMarker(text: string): Marker {
  let value: Partial<Marker> | null
  try {
    value = JSON.parse(text)
  } catch (error) {
    const details = { part: 'marker', reason: 'the marker is not JSON' }
    throw new HoldfastError('STORE_DAMAGED', details, { cause: error })
  }
  const { format, element, created, secret, sealing } = value ?? {}
  if (typeof format !== 'number' || format > FORMAT || format < 1) {
    throw new HoldfastError('STORE_FOREIGN', { format, supported: FORMAT })
  }
  // Without a list that is due, the secret that was given up would seal again.
  const isSealing = (sealing !== undefined) === (format === SEALING_FORMAT)
  const fits = isSecret(secret) && isSealing && (sealing === undefined || isSealingList(sealing))
  if (typeof element !== 'string' || !isUuid(element) || !fits) {
    throw new HoldfastError('STORE_DAMAGED', {
      part: 'marker',
      reason: 'the marker is incomplete',
    })
  }
  const plain = { format, element, created: String(created), secret }
  return sealing === undefined ? plain : { ...plain, sealing }
}

/** One that is no hex would be read as a shorter one, or none at all. */
function isSecret(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function isSealingList(value: unknown): boolean {
  return Array.isArray(value) && [1, 2].includes(value.length) && value.every(isSecret)
}

/** Atomic and durable: temp name, sync, rename, sync of the directory. */
function writeText(disk: Disk, dir: string, note: { name: string; text: string }): void {
  const temp = `${dir}/${note.name}.new`
  try {
    disk.remove(temp)
    const file = disk.open(temp, 'create')
    try {
      file.write(Buffer.from(note.text), 0)
      file.sync()
    } finally {
      file.close()
    }
    disk.rename(temp, `${dir}/${note.name}`)
    disk.syncDir(dir)
  } catch (error) {
    throw fromDisk(error)
  }
}
