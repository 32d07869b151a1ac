import { HoldfastError } from '@holdfast/core/errors.ts'

/** Translation between record fields and column values. */

export function toMs(iso: string): number {
  return Date.parse(iso)
}

export function toMsOrNull(iso: string | null): number | null {
  return iso === null ? null : Date.parse(iso)
}

export function toIso(ms: number): string {
  return new Date(ms).toISOString()
}

export function toIsoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

export function fromHex(hex: string): Buffer {
  return Buffer.from(hex, 'hex')
}

export function toHexText(bytes: Buffer | null): string {
  return bytes === null ? '' : bytes.toString('hex')
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
