import type { Call } from '@holdfast/core/call.ts'
import { addressKey } from '@holdfast/core/rates/address-key.ts'

/** Who may have to wait. */
export type Waiting = Pick<Call, 'signal' | 'principal' | 'address' | 'line'>

/** Whose line it is: strangers by address, or one of them would hold up all others. */
export function lineOf({ principal, address, line }: Waiting): string {
  const { kind, id } = principal
  if (line !== undefined) return line
  return kind === 'anonymous' && address !== undefined ? `${id} ${addressKey(address)}` : id
}

/** Who waits, in a line for each caller. Callers take turns: one with many waits for itself. */
export class CallerLines {
  /** The caller whose turn is next comes first. */
  readonly #lines = new Map<string, (() => void)[]>()

  get isEmpty(): boolean {
    return this.#lines.size === 0
  }

  join(caller: string, go: () => void): void {
    const line = this.#lines.get(caller)
    if (line === undefined) this.#lines.set(caller, [go])
    else line.push(go)
  }

  /** Lets the next one go; false where nobody waits. */
  letGo(): boolean {
    const [first] = this.#lines
    if (first === undefined) return false
    const [caller, line] = first
    const go = line.shift()
    this.#lines.delete(caller)
    if (line.length > 0) this.#lines.set(caller, line)
    go?.()
    return true
  }
}
