import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { keys } from './stage.ts'

/** A place by number of its bucket and by key: the same wherever the steps are done. */
export interface Place {
  readonly bucket: 0 | 1
  readonly key: string
}

/** One change, told so that it can be done again without those before it. */
export interface Step {
  readonly who: string
  readonly act: string
  readonly at: Place
  readonly to: Place
  /** Which version, where one is named: the newest is 0. */
  readonly nth: number
  /** What else is asked for along with it; each act says what. */
  readonly with: number
  /** Of settings. */
  readonly set?: Setting
}

export type Setting =
  | { readonly kind: 'bucket'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'document'; readonly name: string; readonly document: unknown }
  | {
      readonly kind: 'grant'
      readonly to: string
      readonly prefix: string
      readonly permissions: readonly string[]
    }
  | {
      readonly kind: 'put'
      readonly owner: string
      readonly acl: ListSetting | null
      readonly isS3: boolean
    }

/** Names of persons, which become their ids. */
export interface ListSetting {
  readonly read: readonly string[]
  readonly write: readonly string[]
}

export function drawPlace(random: SeededRandom): Place {
  return { bucket: random.chance(0.5) ? 0 : 1, key: random.pick(keys) }
}

export function tell({ who, act, at, to, nth, with: more, set }: Step): string {
  const place = (where: Place) => `${['common', 'owned'][where.bucket]}/${where.key}`
  if (set !== undefined)
    return `administrator, at ${place(at)}: ${JSON.stringify(set)} (with ${more})`
  return `${who}: ${act} ${place(at)} (to ${place(to)}, version ${nth}, with ${more})`
}
