import type { Socket } from 'node:net'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import { addressKey } from '@holdfast/core/rates/address-key.ts'
import { CallerLines } from '@holdfast/engine/caller-lines.ts'
import type { OpenConnections } from '../connections/open-connections.ts'

/** Of one turn of the event loop, before what has not begun leaves the others theirs. */
const TURN_MS = 20

/**
 * Requests whose heads or bodies came together begin in one turn of the event loop, and nobody else
 * is served until all of them paused: sixty that each take a tenth of a second are six seconds. So
 * none begins in a turn that was long already; those left begin in the next ones, callers in turn.
 */
export class TurnBudget {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #waiting = new CallerLines()
  /** When this turn began, as far as we know of it. */
  #beganMs: number | undefined

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** Undefined where it may begin at once, as nearly always; else resolves when it may. */
  take(callerOf: () => string): Promise<void> | undefined {
    const nowMs = this.#clock.monotonic()
    if (this.#beganMs === undefined) {
      this.#beganMs = nowMs
      setImmediate(this.#next)
      return undefined
    }
    if (nowMs - this.#beganMs < TURN_MS) return undefined
    return new Promise(resolve => this.#waiting.join(callerOf(), resolve))
  }

  readonly #next = () => {
    const beganMs = this.#clock.monotonic()
    const letOneGo = () => {
      const isLong = this.#clock.monotonic() - beganMs >= TURN_MS
      if (isLong || !this.#waiting.letGo()) this.#endTurn()
      // Ticks run when the promises that are due are done, and with them what it does at once.
      else queueMicrotask(() => process.nextTick(letOneGo))
    }
    letOneGo()
  }

  #endTurn(): void {
    if (this.#waiting.isEmpty) {
      this.#beganMs = undefined
      return
    }
    this.#beganMs = this.#clock.monotonic()
    setImmediate(this.#next)
  }
}

/** The turn of whoever is connected, before it is known for whom a proxy asks. */
export function peerTurn(parts: {
  readonly turns: TurnBudget
  readonly connections: OpenConnections
}) {
  return (socket: Socket) => {
    const waiting = parts.turns.take(() => addressKey(socket.remoteAddress ?? ''))
    if (waiting === undefined) return undefined
    const connection = parts.connections.of(socket)
    connection.begin()
    return waiting.then(() => connection.end())
  }
}
