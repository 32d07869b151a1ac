import type { Directory } from '@holdfast/core/ports/directory.ts'
import type { Mapping, Standing } from '../mapping.ts'

/** The directory of the settings, and what membership in its groups means here. */
export interface OutsideDirectory {
  readonly directory: Directory
  /** By distinguished name or common name of a group, in lower case. */
  readonly mapping: Mapping
  /** What those of no mapped group get. */
  readonly unmapped: Standing
  /** SHA-256, hex, of the settings that say who of it is in, and with which rights. */
  readonly maps: string
  /** How often it is asked whether those who are known are still there. */
  readonly recheckSeconds: number
}
