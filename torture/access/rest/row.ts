import type { Lab } from '../open-lab.ts'
import type { Caller } from '../people.ts'
import type { Tree } from '../wire.ts'
import type { Kind, Rule } from './rules.ts'

/** Who asks, and what there is to ask for. */
export interface World {
  readonly lab: Pick<Lab, 'must'>
  readonly who: Caller
  readonly kind: Kind
  readonly bucket: string
  readonly key: string
  /** Of the asset, and of its owner. */
  readonly id: string
  readonly ownerId: string
  readonly service: string
  /** What `prepare` made. */
  readonly made: Readonly<Record<string, string>>
}

export interface Wanted {
  /** For the names in the path. */
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly json?: Tree
  readonly bytes?: string
  readonly form?: { readonly fields: Readonly<Record<string, string>>; readonly files: number }
}

/** One line for each operation of the route table: what it takes to ask for it, and who may. */
export interface Row {
  readonly rule: Rule
  /** By the administrator, before anybody asks. */
  readonly prepare?: (world: World) => Promise<Record<string, string>>
  readonly ask: (world: World) => Wanted
  /** Statuses beside 2xx that are given to who was let in. */
  readonly also?: readonly number[]
  /** Of an answer for several items: the status of the only one. */
  readonly inner?: (answer: Tree) => number | undefined
  /** `list`: the asset is in the answer exactly for whom the rule names. `total`: counted so. */
  readonly shows?: { readonly as: 'list' | 'total'; readonly to: Rule }
  /** Makes new assets, too: whoever may do that learns which keys are taken. */
  readonly creates?: boolean
  /** About no asset: one look at each caller is enough. */
  readonly once?: boolean
  /** Ends the session that asks: it is asked by one of its own. */
  readonly spends?: boolean
}

export function assetBody(world: Pick<World, 'ownerId'>): Record<string, string> {
  return { filename: 'a.txt', content_type: 'text/plain', service: 'mx', owner_id: world.ownerId }
}
