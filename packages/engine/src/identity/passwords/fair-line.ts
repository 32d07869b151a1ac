/** Who waits, from the widest to the narrowest: a network, a caller in it, what is asked about. */
export type Place = readonly [network: string, caller: string, what: string]

class Branch<T> {
  count = 0
  /** The next turn is that of the first. */
  readonly below = new Map<string, Branch<T>>()
  readonly waiting: T[] = []

  largest(): readonly [string, Branch<T>] | undefined {
    let found: readonly [string, Branch<T>] | undefined
    for (const entry of this.below) {
      if (found === undefined || entry[1].count >= found[1].count) found = entry
    }
    return found
  }
}

/**
 * A line that nobody fills for others: networks take turns, in each its callers, and for each what
 * they ask about. While it is full, the newest of who has most waiting makes room for who has
 * less. So who has nothing in it gets in, and waits for one of each of the others at most, as long
 * as these are fewer than the places. Nothing of it depends on who has a name that was typed.
 */
export class FairLine<T> {
  readonly #root = new Branch<T>()
  readonly #placesMax: number

  constructor(placesMax: number) {
    this.#placesMax = placesMax
  }

  /** Returns who is not in the line any more: somebody else, or the item itself. */
  add(place: Place, item: T): T | undefined {
    let lost: T | undefined
    if (this.#root.count >= this.#placesMax) {
      const giver = this.#giverFor(place)
      if (giver === undefined) return item
      lost = this.#take(giver, waiting => waiting.pop())
    }
    let branch = this.#root
    branch.count += 1
    for (const name of place) {
      const next = branch.below.get(name) ?? new Branch<T>()
      branch.below.set(name, next)
      next.count += 1
      branch = next
    }
    branch.waiting.push(item)
    return lost
  }

  next(): T | undefined {
    const path: string[] = []
    let branch = this.#root
    for (;;) {
      const [first] = branch.below
      if (first === undefined) break
      const [name, next] = first
      branch.below.delete(name)
      branch.below.set(name, next)
      path.push(name)
      branch = next
    }
    return this.#take(path, waiting => waiting.shift())
  }

  /** Who has two more than the newcomer, or else they would only change places. */
  #giverFor(place: Place): readonly string[] | undefined {
    const path: string[] = []
    let branch: Branch<T> | undefined = this.#root
    for (const name of place) {
      const own: Branch<T> | undefined = branch.below.get(name)
      let most = branch.largest()
      if (most === undefined) return undefined
      if (most[1].count >= (own?.count ?? 0) + 2) {
        for (; most !== undefined; most = most[1].largest()) path.push(most[0])
        return path
      }
      if (own === undefined) return undefined
      path.push(name)
      branch = own
    }
    return undefined
  }

  #take(path: readonly string[], from: (waiting: T[]) => T | undefined): T | undefined {
    const branches = [this.#root]
    for (const name of path) branches.push(branches.at(-1)?.below.get(name) ?? new Branch())
    const item = from(branches.at(-1)?.waiting ?? [])
    if (item === undefined) return undefined
    for (const [depth, branch] of branches.entries()) {
      branch.count -= 1
      if (branch.count === 0) branches[depth - 1]?.below.delete(path[depth - 1] ?? '')
    }
    return item
  }
}
