import type { Operation } from './history-file.ts'

/** What the door shows of a key: gone, or this content and this note. */
export interface KeyState {
  /** Body of the current content; undefined when a GET answers 404. */
  readonly content: { readonly body: number; readonly size: number } | undefined
  /** Operation that last wrote the metadata; 0 for none. */
  readonly note: number
  /** Deleted, but it can be restored. */
  readonly inTrash: boolean
  /** Content versions of the asset, where they are looked at. */
  readonly versions?: number
}

export const absent: KeyState = { content: undefined, note: 0, inTrash: false }

/** How one operation changes a key that only one client writes. */
export type Apply = (state: KeyState, operation: Operation) => KeyState

/**
 * One key: the states it may be in. An answered operation moves them all; one without an answer
 * adds states, because it may have happened. What was seen after a crash becomes the only state:
 * it may never change back, and what was open then can no longer happen.
 */
export class KeyModel {
  readonly key: string
  readonly #apply: Apply
  #states: KeyState[] = [absent]
  /** What was told since the last look, for reports. */
  #told: string[] = []

  constructor(key: string, apply: Apply) {
    this.key = key
    this.#apply = apply
  }

  get states(): readonly KeyState[] {
    return this.#states
  }

  /** The state when there is only one: what the next operation starts from. */
  get state(): KeyState | undefined {
    return this.#states.length === 1 ? this.#states[0] : undefined
  }

  /** True when something was asked of it since the last look. */
  get touched(): boolean {
    return this.#told.some(told => !told.startsWith('seen'))
  }

  /** Takes in an operation whose outcome is set; in the order in which they were sent. */
  add(operation: Operation): void {
    this.#told.push(`${operation.number} ${operation.kind} ${operation.outcome}`)
    if (operation.outcome === 'no') return
    const after = this.#states.map(state => this.#apply(state, operation))
    this.#states = unique(operation.outcome === 'ok' ? after : [...this.#states, ...after])
  }

  /** What is wrong with the state found, or undefined. Afterwards only that state is allowed. */
  look(found: KeyState): string | undefined {
    const allowed = this.#states.map(stateText)
    const told = this.#told.slice(-12).join(', ')
    this.#states = [found]
    this.#told = [`seen ${stateText(found)}`]
    if (allowed.includes(stateText(found))) return undefined
    return `${this.key} is ${stateText(found)}, allowed ${allowed.join(' or ')}, after ${told}`
  }

  /** The same for a key that nobody touched, without its number of versions. */
  glance(found: KeyState): string | undefined {
    const { versions } = this.state ?? {}
    return this.look(versions === undefined ? found : { ...found, versions })
  }
}

export function stateText({ content, note, inTrash, versions }: KeyState): string {
  const shown = content === undefined ? 'gone' : `${content.body}x${content.size} note ${note}`
  const counted = versions === undefined ? shown : `${shown} of ${versions} versions`
  return inTrash ? `${counted} in trash` : counted
}

function unique(states: readonly KeyState[]): KeyState[] {
  return [...new Map(states.map(state => [stateText(state), state])).values()]
}
