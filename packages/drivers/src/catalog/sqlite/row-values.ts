import { HoldfastError } from '@holdfast/core/errors.ts'

/** Translation between record fields and column values. */

/** One commit writes the same few times and digests again and again: the last one is kept. */
const last = { iso: '', ms: 0, hex: '', bytes: Buffer.alloc(0) }
/** A record has the same time in most of its columns. */
const read = { ms: Number.NaN, iso: '' }

export function toMs(iso: string): number {
  if (iso !== last.iso) {
    last.ms = Date.parse(iso)
    last.iso = iso
  }
  return last.ms
}

export function toMsOrNull(iso: string | null): number | null {
  return iso === null ? null : toMs(iso)
}

export function toIso(ms: number): string {
  if (ms !== read.ms) {
    read.iso = new Date(ms).toISOString()
    read.ms = ms
  }
  return read.iso
}

export function toIsoOrNull(ms: number | null): string | null {
  return ms === null ? null : toIso(ms)
}

/** To bind, not to keep: the next call may answer with the same bytes. */
export function fromHex(hex: string): Buffer {
  if (hex !== last.hex) {
    last.bytes = Buffer.from(hex, 'hex')
    last.hex = hex
  }
  return last.bytes
}

/**
 * What a query asks for instead of a digest: its hex, by the name of the column and `_hex`. A value
 * of bytes is a buffer, each with memory that the collector must count: three of them cost as much
 * as the rest of a row. Empty where the column is.
 */
export function hexColumn(column: string, table = ''): string {
  return `lower(hex(${table}${column})) AS ${column}_hex`
}

/** Position in a fixed list, for columns that hold a code. */
export function codeOf<T extends string>(list: readonly T[], value: T): number {
  const code = list.indexOf(value)
  if (code < 0) throw new HoldfastError('INTERNAL', {}, { cause: `unknown word ${value}` })
  return code
}

export function fromCode<T extends string>(list: readonly T[], code: number): T {
  const value = list[code]
  if (value === undefined) throw new HoldfastError('INTERNAL', {}, { cause: `code ${code}` })
  return value
}

/** Empty lists and objects are stored as NULL: most assets have none. */
export function toJsonOrNull(value: object): string | null {
  const empty = Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0
  return empty ? null : JSON.stringify(value)
}

/** Reads JSON this catalog wrote itself. */
export function parseRecord<T>(text: string): T {
  return JSON.parse(text)
}
