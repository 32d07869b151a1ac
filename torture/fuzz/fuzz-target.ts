/** A parser under fuzzing. */
export interface FuzzTarget {
  readonly name: string
  /** Ends of the paths of the modules whose new branches make an input worth keeping. */
  readonly modules: readonly string[]
  /** Inputs as real clients and our own writer make them: from nothing a fuzzer finds nothing. */
  readonly seeds: readonly Uint8Array[]
  readonly words?: readonly string[]
  /**
   * Parses, and throws a `Mismatch` when what was accepted does not come out the same again.
   * Refusals are typed errors of ours; anything else that is thrown is a crash.
   */
  run(input: Uint8Array): void | Promise<void>
}

export class Mismatch extends Error {
  override readonly name = 'Mismatch'
}

export function texts(...all: readonly string[]): Uint8Array[] {
  return all.map(text => Buffer.from(text))
}

export function requireSame(one: unknown, other: unknown, what: string): void {
  const [a, b] = [JSON.stringify(one), JSON.stringify(other)]
  if (a !== b) throw new Mismatch(`${what}: ${a} is not ${b}`)
}
