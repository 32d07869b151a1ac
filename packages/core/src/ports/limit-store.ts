import type { Rate, Taken } from '../rates/rate-table.ts'

/** At most so many, so fast; all keys of one policy have the same window, each its quota. */
export interface RatePolicy {
  readonly name: string
  readonly rate: Rate
}

/** At most so many at once. */
export interface PlacesPolicy {
  readonly name: string
  readonly places: number
}

/** Somebody asked to be let in. */
export interface Stay {
  readonly allowed: boolean
  /** Places that are free now. */
  readonly left: number
  /** Gives the place back. Doing it again, or without a place, changes nothing. */
  leave(): void | Promise<void>
}

type Awaitable<T> = T | Promise<T>

/**
 * Counts what callers do, so that doors can keep them within limits. Keys are chosen by callers:
 * whatever they are, a store stays within its bounds.
 *
 * L1 A key begins with all tokens of its policy; what was taken comes back evenly over the window.
 * L2 A take that is refused takes nothing and tells when the next token is there; then it is given.
 * L3 Takes at the same time never get more together than one after the other.
 * L4 Keys and policies do not touch each other, up to `traits.keysMax` keys of a policy.
 * L5 Beyond that newcomers share tokens. No key has its own back before time brings them, whatever
 *    other keys do, and a key that is forgotten had all its tokens.
 * L6 A token that is given back can be taken again; a key never has more than its policy says.
 * L7 At most `places` stay inside at once; who leaves frees one place, however often it leaves.
 * L8 A key whose quota changes keeps the share of its tokens that it has: nothing begins anew.
 */
export interface LimitStore extends AsyncDisposable {
  readonly traits: LimitTraits
  take(policy: RatePolicy, key: string): Awaitable<Taken>
  giveBack(policy: RatePolicy, key: string): Awaitable<void>
  enter(policy: PlacesPolicy, key: string): Awaitable<Stay>
}

export interface LimitTraits {
  /** Whether several processes count together. */
  readonly shared: boolean
  /** Keys of one policy that are remembered each for itself. */
  readonly keysMax: number
}
