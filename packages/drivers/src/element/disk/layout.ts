import { HoldfastError } from '@holdfast/core/errors.ts'

/**
 * Names inside a data directory (docs/format.md). Only digests and numbers become path parts,
 * never anything a caller chose.
 */

export const MARKER = 'holdfast.json'
export const PACKS = 'packs'
export const BLOBS = 'blobs'
export const TEMP = 'tmp'
export const NOTES = 'notes'
export const QUARANTINE = 'quarantine'
export const BALLAST = 'ballast'

const SHA256 = /^[0-9a-f]{64}$/
const PACK = /^(\d{10})\.tar$/

export function isSha256(text: string): boolean {
  return SHA256.test(text)
}

/** One level: each directory with a new name costs a sync, and most of 65,536 would be new. */
export function blobDir(dir: string, sha256: string): string {
  if (!isSha256(sha256)) throw new HoldfastError('INTERNAL', {}, { cause: 'not a digest' })
  return `${dir}/${BLOBS}/${sha256.slice(0, 2)}`
}

export function blobPath(dir: string, sha256: string): string {
  return `${blobDir(dir, sha256)}/${sha256}`
}

export function packPath(dir: string, pack: number): string {
  return `${dir}/${PACKS}/${String(pack).padStart(10, '0')}.tar`
}

export function packNumber(name: string): number | undefined {
  const match = PACK.exec(name)
  return match === null ? undefined : Number(match[1])
}

/** Where a blob lies: in a pack at the offset of its data, or in a file of its own. */
export type Location =
  | { readonly kind: 'pack'; readonly pack: number; readonly offset: number }
  | { readonly kind: 'file'; readonly sha256: string }

export function formatLocation(location: Location): string {
  return location.kind === 'pack'
    ? `pack:${location.pack}:${location.offset}`
    : `file:${location.sha256}`
}

const PACK_LOCATION = /^pack:(\d{1,10}):(\d{1,15})$/

export function parseLocation(text: string): Location {
  const match = PACK_LOCATION.exec(text)
  if (match !== null) return { kind: 'pack', pack: Number(match[1]), offset: Number(match[2]) }
  const sha256 = text.slice('file:'.length)
  if (text.startsWith('file:') && isSha256(sha256)) return { kind: 'file', sha256 }
  throw new HoldfastError('BLOB_MISSING', {}, { cause: `unknown location ${text}` })
}
