/**
 * What a check gets to see of the states that cuts leave. Between two syncs nothing is in doubt, so
 * most of the disks drawn there are alike; a check that always does the same with the same disk,
 * catalog and promises need not do it again.
 */
export class SeenStates {
  /** How many were seen before. */
  alike = 0
  readonly #seen = new Set<string>()

  /** `depth` names a check that looks at more than the one without. */
  isNew(state: readonly string[], depth = ''): boolean {
    const key = state.join('\n')
    const deeper = `${key}\n${depth}`
    if (this.#seen.has(deeper)) {
      this.alike += 1
      return false
    }
    this.#seen.add(deeper)
    this.#seen.add(`${key}\n`)
    return true
  }
}
