import type { Call } from '@holdfast/core/call.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import { principalNow, rightsMoment } from '@holdfast/engine/access/rights-now.ts'
import type { Engine } from '@holdfast/engine/engine.ts'

/** Aborted when nobody waits for the answer any more. */
interface Waiting {
  /** Absent where nothing asks for it. */
  readonly ip?: string
  readonly signal: AbortSignal
}

export interface RequestCallFacts {
  readonly requestId: string
  readonly principal: Principal
  readonly moment: number | undefined
}

/**
 * A request as the engine sees it. What its sender may is asked when the head has come, and again
 * when the body is in, which may be hours later; whatever is decided then goes by that.
 *
 * A class, because a getter of an object literal gives every object a hidden class of its own.
 */
export class RequestCall implements Call {
  readonly requestId: string
  readonly #waiting: Waiting
  #principal: Principal
  #moment: number | undefined

  constructor(waiting: Waiting, { requestId, principal, moment }: RequestCallFacts) {
    this.requestId = requestId
    this.#waiting = waiting
    this.#principal = principal
    this.#moment = moment
  }

  get principal(): Principal {
    return this.#principal
  }

  /** Undefined where nobody was asked for, or whoever made the call asks. */
  get moment(): number | undefined {
    return this.#moment
  }

  get address(): string | undefined {
    return this.#waiting.ip
  }

  get signal(): AbortSignal {
    return this.#waiting.signal
  }

  /** Undefined where nothing changed since: most bodies need not wait. */
  renew(engine: Engine): Promise<void> | undefined {
    const moment = rightsMoment(engine)
    if (this.#moment === undefined || this.#moment === moment) return undefined
    return this.#renew(engine, moment)
  }

  async #renew(engine: Engine, moment: number): Promise<void> {
    this.#principal = await principalNow(engine, this.#principal)
    this.#moment = moment
  }
}
