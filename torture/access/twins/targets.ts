import { somebody } from '../rest/worlds.ts'
import { audiences, close, putStoried } from './fill.ts'
import type { Layers, Put, Thing, Twin } from './twin.ts'

interface At {
  readonly key: string
  readonly who: string
  /** With a past, or new. */
  readonly storied: boolean
}

/** A thing that is asked about. */
export interface Target {
  readonly name: string
  /** Only one of the stores has it. */
  readonly hidden: boolean
  /** Part of what, where it is hidden. */
  readonly layer?: keyof Layers
  /** Who asks about it; absent: everybody. */
  readonly by?: readonly string[]
  /** Whoever asks may change what others have there. */
  readonly shared?: boolean
  make(twin: Twin, at: At): Promise<Thing>
}

const hides = (twin: Twin) => (twin.layers.closed ? 'right' : 'left')
const ownerOf = (twin: Twin, who: string) => twin.askers.get(who)?.id ?? somebody

const others = audiences.others.filter(who => who !== 'writer')
const unknowing = ['confined', 'account', 'writer', 'anonymous']

export const targets: readonly Target[] = [
  {
    ...{ name: 'own', hidden: false },
    make: async (twin, { key, who, storied }) =>
      await putOne(twin, storied, { bucket: 'tw-common', key, ownerId: ownerOf(twin, who) }),
  },
  {
    ...{ name: 'own, tags kept from it', hidden: false },
    make: async (twin, { key, who, storied }) => {
      const tags = [hides(twin), ...(twin.layers.closed ? ['more'] : [])]
      return await putOne(twin, storied, {
        ...{ bucket: 'tw-policy', key, tags },
        ownerId: ownerOf(twin, who),
      })
    },
  },
  {
    ...{ name: 'granted', hidden: false, by: ['grantee', 'user', 'operator'], shared: true },
    make: async (twin, { key, storied }) =>
      await putOne(twin, storied, {
        bucket: 'tw-common',
        key: `granted/${key}`,
        ownerId: somebody,
      }),
  },
  {
    ...{ name: 'public', hidden: false },
    make: async (twin, { key, storied }) =>
      await putOne(twin, storied, { bucket: 'tw-public', key, ownerId: somebody }),
  },
  {
    ...{ name: 'in an owned bucket', hidden: false, by: ['owner'], shared: true },
    make: async (twin, { key, who, storied }) =>
      await putOne(twin, storied, { bucket: 'tw-owned', key, ownerId: ownerOf(twin, who) }),
  },
  {
    ...{ name: 'in the one bucket', hidden: false, by: ['confined', 'account'], shared: true },
    make: async (twin, { key, storied }) =>
      await putOne(twin, storied, { bucket: 'tw-confined', key, ownerId: somebody }),
  },
  {
    ...{ name: 'not to be read', hidden: false, by: ['writer'], shared: true },
    make: async (twin, { key, storied }) => {
      const metadata = { hidden: hides(twin) }
      const facets = { tags: [hides(twin)], metadata }
      return await putOne(twin, storied, { bucket: 'tw-common', key, ownerId: somebody, ...facets })
    },
  },
  {
    ...{ name: 'closed', hidden: true, layer: 'closed' },
    make: async (twin, { key }) => {
      const at = { bucket: 'tw-common', key: `closed/${key}`, ownerId: somebody }
      return await hiddenThing(twin, at, twin.layers.closed)
    },
  },
  {
    ...{ name: 'foreign', hidden: true, layer: 'others', by: others },
    make: async (twin, { key }) => {
      const at = { bucket: 'tw-common', key: `foreign/${key}`, ownerId: somebody }
      return await hiddenThing(twin, at, twin.layers.others, false)
    },
  },
  {
    ...{ name: 'denied', hidden: true, layer: 'closed' },
    make: async (twin, { key }) => {
      const at = { bucket: 'tw-policy', key: `secret/${key}`, ownerId: somebody }
      return await hiddenThing(twin, at, twin.layers.closed, false)
    },
  },
  {
    ...{ name: 'in a hidden bucket', hidden: true, layer: 'others' },
    make: async (twin, { key }) => {
      const at = { bucket: 'tw-hidden', key, ownerId: somebody }
      return await hiddenThing(twin, at, twin.layers.others, false)
    },
  },
  {
    // Names of buckets are no secret but to who is confined to others, or shows no credential.
    ...{ name: 'in an unknown bucket', hidden: true, layer: 'others', by: unknowing },
    make: async (twin, { key }) => {
      const at = { bucket: 'tw-unknown', key, ownerId: somebody }
      return await hiddenThing(twin, at, twin.layers.others, false)
    },
  },
]

/** Those that the caller is to be asked about. */
export function targetsOf({ layers }: Twin, who: string): readonly Target[] {
  return targets.filter(
    ({ by, layer }) =>
      (by === undefined || by.includes(who)) && (layer === undefined || layers[layer]),
  )
}

async function putOne(twin: Twin, storied: boolean, put: Put): Promise<Thing> {
  return storied ? await putStoried(twin, put) : await twin.put(put)
}

async function hiddenThing(
  twin: Twin,
  at: Omit<Thing, 'id' | 'service'>,
  isThere: boolean,
  isClosed = true,
): Promise<Thing> {
  const service = 'tw-service'
  if (!isThere) return { ...at, id: twin.unknown(`asset ${at.key}`), service }
  const thing = await twin.put({ ...at, tags: ['hidden'], metadata: { hidden: 'word' } })
  await twin.must('PUT', `/api/v2/assets/${thing.id}/content`, Buffer.from('hidden again'))
  if (isClosed) await close(twin, thing)
  return thing
}
