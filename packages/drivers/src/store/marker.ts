import { HoldfastError } from '@holdfast/core/errors.ts'
import { isUuid, newUuid, toHex } from '@holdfast/core/ids.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { fromDisk } from '../disk/disk-errors.ts'
import { readText } from '../disk/read-text.ts'
import { BLOBS, MARKER, NOTES, PACKS, TEMP } from '../element/disk/layout.ts'

/** The format that this version writes; newer ones are refused, never guessed at. */
export const FORMAT = 1

export interface Marker {
  readonly format: number
  readonly element: string
  readonly created: string
  /** Signs presigned links; hex. */
  readonly secret: string
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
    format: FORMAT,
    element: newUuid(clock, random),
    created: new Date(clock.now()).toISOString(),
    secret: toHex(random.bytes(32)),
  }
  writeText(disk, dir, { name: MARKER, text: `${JSON.stringify(marker, null, 2)}\n` })
  return marker
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
  const { format, element, created, secret } = value ?? {}
  if (typeof format !== 'number' || format > FORMAT || format < 1) {
    throw new HoldfastError('STORE_FOREIGN', { format, supported: FORMAT })
  }
  // A secret that is no hex would be read as a shorter one, or none at all.
  const isSecret = typeof secret === 'string' && /^[0-9a-f]{64}$/.test(secret)
  if (typeof element !== 'string' || !isUuid(element) || !isSecret) {
    throw new HoldfastError('STORE_DAMAGED', {
      part: 'marker',
      reason: 'the marker is incomplete',
    })
  }
  return { format, element, created: String(created), secret }
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
