interface Failures {
  count: number
  lockedUntilMs: number
}

const NAMES_MAX = 10_000

/**
 * Failed logins by the name that was typed, whether somebody has it or not: what a caller hears
 * follows from these alone, or it would tell which names exist and which belong together. Kept in
 * memory only: an attacker must not be able to fill the catalog. The locks of accounts are there.
 */
export class GuessedNames {
  readonly #names = new Map<string, Failures>()

  lockedUntilMs(name: string, nowMs: number): number | undefined {
    const known = this.#names.get(name)
    return known !== undefined && known.lockedUntilMs > nowMs ? known.lockedUntilMs : undefined
  }

  fail(name: string, nowMs: number, lockout: { failures: number; seconds: number }): void {
    const known = this.#names.get(name) ?? { count: 0, lockedUntilMs: 0 }
    if (known.lockedUntilMs !== 0 && known.lockedUntilMs <= nowMs) known.count = 0
    known.count += 1
    known.lockedUntilMs = known.count >= lockout.failures ? nowMs + lockout.seconds * 1000 : 0
    // The newest stay: names in order of their last failure.
    this.#names.delete(name)
    this.#names.set(name, known)
    if (this.#names.size <= NAMES_MAX) return
    const oldest = this.#names.keys().next().value
    if (oldest !== undefined) this.#names.delete(oldest)
  }

  /** The failures of the account that has them are forgotten. */
  forget(names: readonly string[]): void {
    for (const name of names) this.#names.delete(name)
  }
}
