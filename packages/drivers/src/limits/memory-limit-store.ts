import type { Clock } from '@holdfast/core/ports/clock.ts'
import type {
  LimitStore,
  LimitTraits,
  PlacesPolicy,
  RatePolicy,
  Stay,
} from '@holdfast/core/ports/limit-store.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { RateTable, type Taken } from '@holdfast/core/rates/rate-table.ts'

/** About 130 bytes each. */
const KEYS_MAX = 50_000

/** Counts in the memory of this process; it answers at once. Who is inside bounds its places. */
export class MemoryLimitStore implements LimitStore {
  readonly traits: LimitTraits
  readonly #clock: Clock
  readonly #seed: number
  readonly #tables = new Map<string, RateTable>()
  readonly #inside = new Map<string, Map<string, number>>()

  constructor(parts: { readonly clock: Clock; readonly random: Random }, keysMax = KEYS_MAX) {
    this.traits = Object.freeze({ shared: false, keysMax })
    this.#clock = parts.clock
    const [a = 0, b = 0, c = 0, d = 0] = parts.random.bytes(4)
    this.#seed = a | (b << 8) | (c << 16) | (d << 24)
  }

  take({ name, rate }: RatePolicy, key: string): Taken {
    let table = this.#tables.get(name)
    if (table === undefined) {
      table = new RateTable(rate, { keysMax: this.traits.keysMax, seed: this.#seed })
      this.#tables.set(name, table)
    }
    return table.take(key, this.#clock.monotonic(), rate.quota)
  }

  giveBack({ name, rate }: RatePolicy, key: string): void {
    this.#tables.get(name)?.giveBack(key, rate.quota)
  }

  enter({ name, places }: PlacesPolicy, key: string): Stay {
    const keys = this.#inside.get(name) ?? new Map<string, number>()
    this.#inside.set(name, keys)
    const inside = keys.get(key) ?? 0
    if (inside >= places) return { allowed: false, left: 0, leave: () => {} }
    keys.set(key, inside + 1)
    let stays = true
    const leave = () => {
      if (!stays) return
      stays = false
      const others = (keys.get(key) ?? 1) - 1
      if (others === 0) keys.delete(key)
      else keys.set(key, others)
    }
    return { allowed: true, left: places - inside - 1, leave }
  }

  /** Keys that are remembered now, of all policies. */
  get size(): number {
    const tables = [...this.#tables.values(), ...this.#inside.values()]
    return tables.reduce((sum, { size }) => sum + size, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tables.clear()
    this.#inside.clear()
  }
}
