import type { Kind } from './setting-kinds.ts'

/** One row of the settings table: help, documents, samples and parsing come from it. */
export interface Setting<T> {
  /** Name in the environment, with the prefix `STORAGE_`. */
  readonly name: string
  readonly kind: Kind<T>
  readonly description: string
  /** Value when unset; undefined where unset has a meaning of its own. */
  readonly standard: T
  /** Never shown; may also come from the file that `<name>_FILE` names. */
  readonly secret?: boolean
}

export function setting<T>(row: Setting<T>): Setting<T> {
  return row
}
