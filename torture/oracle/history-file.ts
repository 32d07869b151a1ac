import { closeSync, openSync, writeSync } from 'node:fs'
import type { Outcome } from '../target/rest-door.ts'

/** What one request asks for. Bodies are self-describing: operation `body`, `size` bytes. */
export interface Asked {
  readonly kind: string
  readonly key: string
  readonly client: number
  readonly body?: number
  readonly size?: number
  /** Key of the other end, for moves and copies. */
  readonly other?: string
}

export interface Operation extends Asked {
  readonly number: number
  readonly beganMs: number
  endedMs: number
  outcome: Outcome
}

/**
 * The append-only record of a run, JSON lines: one before each request is sent, one after its whole
 * answer was read. It lies on a disk that is not under test and survives what the store does not.
 */
export class HistoryFile implements Disposable {
  readonly #file: number
  #last = 0
  #acknowledged = 0
  /** The longest that anybody waited for an answer, or for the end of the connection. */
  slowestMs = 0

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  /** How many operations were answered with success. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  get begun(): number {
    return this.#last
  }

  begin(asked: Asked): Operation {
    this.#last += 1
    const operation: Operation = {
      number: this.#last,
      ...asked,
      beganMs: performance.now(),
      endedMs: Number.POSITIVE_INFINITY,
      outcome: 'unknown',
    }
    this.#write({ begin: operation.number, at: operation.beganMs, ...asked })
    return operation
  }

  end(operation: Operation, outcome: Outcome, seen: Readonly<Record<string, unknown>> = {}): void {
    operation.endedMs = performance.now()
    operation.outcome = outcome
    this.slowestMs = Math.max(this.slowestMs, operation.endedMs - operation.beganMs)
    if (outcome === 'ok') this.#acknowledged += 1
    this.#write({ end: operation.number, at: operation.endedMs, outcome, ...seen })
  }

  /** Kills, cuts and faults, so that the file tells the whole story. */
  mark(what: string, detail: Readonly<Record<string, unknown>> = {}): void {
    this.#write({ mark: what, at: performance.now(), ...detail })
  }

  #write(line: object): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`)
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }
}
