export type DiskOperation =
  | 'makeDir'
  | 'create'
  | 'link'
  | 'rename'
  | 'remove'
  | 'syncDir'
  | 'write'
  | 'sync'
  | 'truncate'

/** Calls that change nothing; they have a count of their own. */
export type DiskLook = 'open' | 'read' | 'list' | 'stat' | 'space' | 'lock'

export interface FaultOptions {
  /** From the given call on, not only that one. */
  readonly persistent?: boolean
  /** Counts and hits only these calls. Without it: every changing call. */
  readonly of?: readonly (DiskOperation | DiskLook)[]
}

/** One injected fault. A test must look at `fired`: a fault that never came proves nothing. */
export class DiskFault {
  readonly at: number
  readonly code: string
  readonly #options: FaultOptions
  #seen = 0
  fired = 0

  constructor(at: number, code: string, options: FaultOptions) {
    this.at = at
    this.code = code
    this.#options = options
  }

  hits(operation: DiskOperation | DiskLook, changes: boolean): boolean {
    const { of, persistent } = this.#options
    if (of === undefined ? !changes : !of.includes(operation)) return false
    this.#seen += 1
    const hit = persistent === true ? this.#seen >= this.at : this.#seen === this.at
    if (hit) this.fired += 1
    return hit
  }
}

/** An error as Node's file system gives it. */
export class DiskError extends Error {
  override readonly name = 'DiskError'
  readonly code: string

  constructor(code: string, operation: string, path: string) {
    super(`${code}: ${operation} '${path}'`)
    this.code = code
  }
}

/** The machine lost power: nothing answers any more. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut'
}
