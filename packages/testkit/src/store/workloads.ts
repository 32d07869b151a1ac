import type { StoreActor } from './store-actor.ts'

/** Bodies up to this size ride in packs in crash runs; small, so that many disks can be tried. */
export const packedBytesMax = 4000

const small = 300
const large = 9000

/** Scripted days of a store. Together they reach every way that bytes and records are written. */
export const workloads: Readonly<Record<string, (actor: StoreActor) => Promise<void>>> = {
  async 'a first put'(actor) {
    await actor.put('a', small)
    await actor.put('b', large)
  },
  async 'small puts and overwrites'(actor) {
    await actor.put('a', small)
    await actor.put('b', 0)
    await actor.put('a', small + 1)
    await actor.put('c', packedBytesMax)
    await actor.tag('a')
    await actor.put('a', 1)
  },
  async 'large bodies'(actor) {
    await actor.put('a', large)
    await actor.put('b', small)
    await actor.put('a', large + 512)
    await actor.put('c', packedBytesMax + 1)
  },
  async 'the same bytes again'(actor) {
    await actor.put('a', large)
    await actor.put('b', large, 1)
    await actor.put('c', small)
    await actor.put('d', small, 3)
    await actor.destroy('a')
    await actor.destroy('c')
    await actor.collect()
  },
  async 'deletes and collection'(actor) {
    await actor.put('a', large)
    await actor.put('b', small)
    await actor.delete('a')
    await actor.destroy('b')
    await actor.put('a', small)
    await actor.destroy('a')
    await actor.collect()
    await actor.put('a', large, 1)
    await actor.put('b', small, 2)
  },
  async 'many at once'(actor) {
    await actor.bucketId()
    await together([
      actor.put('a', small),
      actor.put('b', large),
      actor.refused('c', small),
      actor.put('d', small, 1),
      actor.refused('e', large),
      actor.put('f', 0),
    ])
    await together([actor.destroy('a'), actor.put('g', small), actor.delete('b')])
    await together([actor.collect(), actor.put('h', small, 1), actor.put('i', large, 2)])
  },
  async 'space that is reclaimed'(actor) {
    for (let i = 0; i < 9; i += 1) await actor.put(`k${i}`, packedBytesMax - i)
    for (const key of ['k0', 'k2', 'k3', 'k5', 'k6', 'k7']) await actor.destroy(key)
    await actor.collect()
    await actor.reclaim()
    await actor.put('k2', packedBytesMax)
    await actor.tag('k1')
    await actor.reclaim()
    await actor.put('k3', small, 2)
  },
  async 'uploads in parts'(actor) {
    await actor.putInParts('a', [large, small, large])
    await actor.put('b', small)
    await actor.putInParts('b', [small, large])
    await actor.abandonParts('c', large)
    await actor.destroy('a')
    await actor.collect()
    await actor.collect()
    await actor.reclaim()
    await actor.putInParts('a', [small, small])
  },
  async 'packs that fill up'(actor) {
    for (let i = 0; i < 14; i += 1) await actor.put(`k${i % 5}`, packedBytesMax - i)
    await actor.destroy('k0')
    await actor.collect()
    await actor.put('k0', small)
  },
}

/** All of them to their end, even when one fails: nothing may go on behind the workload's back. */
async function together(acts: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(acts)) {
    if (result.status === 'rejected') throw result.reason
  }
}
