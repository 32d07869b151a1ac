import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'

export const fileClasses = ['pack', 'blob', 'catalog', 'wal', 'marker', 'note', 'ballast'] as const
export type FileClass = (typeof fileClasses)[number]

export const damageKinds = ['bit', 'zeros', 'garbage', 'truncate', 'swap'] as const
export type DamageKind = (typeof damageKinds)[number]

export interface Damaged {
  readonly fileClass: FileClass
  readonly kind: DamageKind
  readonly path: string
  readonly at: number
  /** False where the bytes were the same before, as when zeros are zeroed. */
  readonly changed: boolean
}

/** Damages one place of one file of the class; undefined when there is none. */
export function damageOne(
  dir: string,
  fileClass: FileClass,
  random: SeededRandom,
): Damaged | undefined {
  const paths = filesOf(dir, fileClass)
  if (paths.length === 0) return undefined
  const path = random.pick(paths)
  const kind = random.pick(damageKinds)
  const file = openSync(path, 'r+')
  try {
    const size = usedSize(file)
    if (size === 0) return undefined
    const at = random.below(size)
    const told = { fileClass, kind, path: path.slice(dir.length + 1), at }
    if (kind === 'truncate') {
      truncateSync(path, at)
      return { ...told, changed: true }
    }
    return { ...told, changed: spoil(file, { at, size, kind, random }) }
  } finally {
    closeSync(file)
  }
}

function spoil(
  file: number,
  { at, size, kind, random }: { at: number; size: number; kind: DamageKind; random: SeededRandom },
): boolean {
  const length = Math.min(size - at, kind === 'bit' ? 1 : random.pick([1, 512, 4096]))
  const before = Buffer.alloc(length)
  readSync(file, before, 0, length, at)
  let after = Buffer.from(before)
  if (kind === 'bit') after[0] = (after[0] ?? 0) ^ (1 << random.below(8))
  else if (kind === 'zeros') after.fill(0)
  else if (kind === 'garbage') after = Buffer.from(random.bytes(length))
  else after.reverse()
  writeSync(file, after, 0, length, at)
  return !after.equals(before)
}

/** Zeros laid out ahead at the end of packs are no bytes of anybody. */
function usedSize(file: number): number {
  const bytes = Buffer.alloc(fstatSync(file).size)
  readSync(file, bytes, 0, bytes.length, 0)
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end -= 1
  return end === 0 ? bytes.length : end
}

function filesOf(dir: string, fileClass: FileClass): string[] {
  const all = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
  return all.filter(path => classOf(path.slice(dir.length + 1)) === fileClass)
}

function classOf(name: string): FileClass | undefined {
  if (name.startsWith('packs/')) return 'pack'
  if (name.startsWith('blobs/')) return 'blob'
  if (name.startsWith('notes/')) return 'note'
  if (name === 'catalog.db') return 'catalog'
  if (name === 'catalog.db-wal') return 'wal'
  if (name === 'holdfast.json') return 'marker'
  return name === 'ballast' ? 'ballast' : undefined
}
