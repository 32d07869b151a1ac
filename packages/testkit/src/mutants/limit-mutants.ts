import type { LimitStore, Stay } from '@holdfast/core/ports/limit-store.ts'

/** Limit stores that break one promise each; the suite must notice every one. */
export const limitMutants: Record<string, (store: LimitStore) => Partial<LimitStore>> = {
  'L1 gives one more': store => {
    const begun = new Set<string>()
    return {
      async take(policy, key) {
        const place = `${policy.name} ${key}`
        if (begun.has(place)) return await store.take(policy, key)
        begun.add(place)
        return { allowed: true, left: policy.rate.quota, waitMs: 0 }
      },
    }
  },
  'L2 counts refusals': store => ({
    async take(policy, key) {
      const half = { ...policy, rate: { ...policy.rate, quota: 2 * policy.rate.quota } }
      const taken = await store.take(half, key)
      await store.take(half, key)
      return taken
    },
  }),
  'L3 looks before it takes': store => ({
    async take(policy, key) {
      const looked = store.take(policy, key)
      if (looked instanceof Promise || !looked.allowed) return await looked
      void store.giveBack(policy, key)
      await new Promise(resolve => setImmediate(resolve))
      await store.take(policy, key)
      return looked
    },
  }),
  'L4 is blind to case': store => ({
    take: (policy, key) => store.take(policy, key.toLowerCase()),
  }),
  'L4 mixes policies': store => ({
    take: (policy, key) => store.take({ ...policy, name: 'one' }, key),
  }),
  'L5 forgets under a flood': store => {
    let keys = new Map<string, string>()
    let generation = 0
    return {
      take(policy, key) {
        if (keys.size > 400) {
          keys = new Map()
          generation += 1
        }
        const own = keys.get(key) ?? `${generation} ${key}`
        keys.set(key, own)
        return store.take(policy, own)
      },
    }
  },
  'L6 keeps what is given back': () => ({ giveBack: () => {} }),
  'L7 lets everybody in': () => ({
    enter: (): Stay => ({ allowed: true, left: 0, leave: () => {} }),
  }),
  'L7 frees a place twice': store => {
    const stays: Stay[] = []
    return {
      async enter(policy, key) {
        const stay = await store.enter(policy, key)
        if (stay.allowed) stays.push(stay)
        const leave = async () => {
          await stays.shift()?.leave()
        }
        return { ...stay, leave }
      },
    }
  },
}

export function mutantLimitStore(store: LimitStore, name: string): LimitStore {
  const changes = limitMutants[name]?.(store)
  if (changes === undefined) throw new RangeError(`no mutant ${name}`)
  return {
    traits: store.traits,
    take: (policy, key) => store.take(policy, key),
    giveBack: (policy, key) => store.giveBack(policy, key),
    enter: (policy, key) => store.enter(policy, key),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    ...changes,
  }
}
