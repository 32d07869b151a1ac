/**
 * What a client knows: the operations it asked for, in order, and what it was told. From that
 * follow the states that a key may be in; a store in any other state has broken a promise.
 */

export interface Content {
  readonly number: number
  /** The operation that put it, and the one whose bytes it has (torture: bodies are shared). */
  readonly operation: number
  readonly body: number
  readonly size: number
}

export interface KeyState {
  /** The operation that created the asset. */
  readonly creator: number
  readonly contents: readonly Content[]
  readonly lastNumber: number
  readonly deleted: boolean
  /** The operation that last wrote the metadata. */
  readonly tag: number
}

/** Undefined is a key that no asset holds. */
export type State = KeyState | undefined

export type Intent =
  | { readonly kind: 'put'; readonly body: number; readonly size: number }
  | { readonly kind: 'delete' }
  | { readonly kind: 'tag' }
  | { readonly kind: 'destroy' }

/** `no`: told that it did not happen. `unknown`: no answer, or one that leaves it open. */
export type Outcome = 'ok' | 'no' | 'unknown'

export interface Operation {
  readonly number: number
  readonly key: string
  readonly intent: Intent
  outcome: Outcome
}

export function applied(state: State, { number, intent }: Operation): State {
  switch (intent.kind) {
    case 'put': {
      const lastNumber = (state?.lastNumber ?? 0) + 1
      const { body, size } = intent
      const content = { number: lastNumber, operation: number, body, size }
      const contents = [...(state?.contents ?? []), content]
      return {
        creator: state?.creator ?? number,
        contents,
        lastNumber,
        deleted: false,
        tag: number,
      }
    }
    case 'delete':
      return state && { ...state, deleted: true, lastNumber: state.lastNumber + 1 }
    case 'tag':
      return state && { ...state, tag: number }
    case 'destroy':
      return undefined
  }
}

export class History {
  readonly operations: Operation[] = []
  /** What was seen after a restart: it may never change back. */
  readonly #seen = new Map<string, { state: State; count: number }>()

  /** Open until its outcome is set; a cut leaves it `unknown`. */
  begin(key: string, intent: Intent): Operation {
    const operation: Operation = {
      number: this.operations.length + 1,
      key,
      intent,
      outcome: 'unknown',
    }
    this.operations.push(operation)
    return operation
  }

  /** As it is at this moment; the copy learns nothing more. */
  snapshot(): History {
    const copy = new History()
    for (const operation of this.operations) copy.operations.push({ ...operation })
    for (const [key, seen] of this.#seen) copy.#seen.set(key, seen)
    return copy
  }

  get keys(): string[] {
    return [...new Set(this.operations.map(({ key }) => key))]
  }

  count(outcome: Outcome): number {
    return this.operations.filter(operation => operation.outcome === outcome).length
  }

  /** From here on the key must be in this state, or in one that later operations lead to. */
  saw(key: string, state: State): void {
    const count = this.operations.filter(operation => operation.key === key).length
    this.#seen.set(key, { state, count })
  }

  allowed(key: string): State[] {
    const seen = this.#seen.get(key)
    const operations = this.operations.filter(operation => operation.key === key)
    let states = new Map<string, State>()
    const start = seen?.state
    states.set(stateText(start), start)
    for (const operation of operations.slice(seen?.count ?? 0)) {
      if (operation.outcome === 'no') continue
      const next = new Map(operation.outcome === 'unknown' ? states : [])
      for (const state of states.values()) {
        const after = applied(state, operation)
        next.set(stateText(after), after)
      }
      states = next
    }
    return [...states.values()]
  }

  /** What is wrong with the state found, or undefined. */
  problem(key: string, found: State): string | undefined {
    const allowed = this.allowed(key)
    if (allowed.some(state => stateText(state) === stateText(found))) return undefined
    const operations = this.operations
      .filter(operation => operation.key === key)
      .map(({ number, intent, outcome }) => `${number} ${intent.kind} ${outcome}`)
    return (
      `key ${key} is ${stateText(found)}, allowed ${allowed.map(stateText).join(' or ')}` +
      ` after ${operations.join(', ')}`
    )
  }
}

export function stateText(state: State): string {
  if (state === undefined) return 'absent'
  const { creator, contents, lastNumber, deleted, tag } = state
  const versions = contents.map(
    ({ number, operation, body, size }) => `v${number}=${operation}/${body}x${size}`,
  )
  return `{by ${creator}, ${versions.join(' ')}, last ${lastNumber}, tag ${tag}${
    deleted ? ', deleted' : ''
  }}`
}
