import type { ByteSource } from '@holdfast/core/ports/element.ts'
import type { Scope } from '../../http/exchange.ts'
import { holderOf } from '../../http/limits/large-answers.ts'

/** What is less is not counted: all that may be at work have no more than 64 MiB of it. */
const STEP_BYTES = 16 * 1024

/**
 * Texts and small files lie in memory until the form is over, and its sender may be slow: they are
 * bounded as answers are that nobody takes, from their first byte on. A form alone is always taken.
 */
export class FormMemory {
  readonly #grow: (more: number) => void
  #taken = 0
  #uncounted = 0

  constructor({ context, request }: Pick<Scope, 'context' | 'request'>) {
    const { principal, ip, response } = request.state
    this.#grow = context.forms.growing(holderOf(principal, ip), response)
  }

  /** TOO_MANY_REQUESTS where there is no room. Less than nothing gives back. */
  add(bytes: number): void {
    this.#uncounted += bytes
    if (Math.abs(this.#uncounted) < STEP_BYTES) return
    this.#grow(this.#uncounted)
    this.#taken += this.#uncounted
    this.#uncounted = 0
  }

  /** For a form that is refused: its answer may be long on its way. */
  giveBack(): void {
    this.#grow(-this.#taken)
    this.#taken = 0
  }

  /** Counts a body as it comes. One of more than `heldMax` bytes does not stay in memory. */
  counted(body: ByteSource, heldMax: number): ByteSource {
    const pieces = this.#counted(body, heldMax)
    return body.done === undefined ? pieces : Object.assign(pieces, { done: body.done })
  }

  async *#counted(body: ByteSource, heldMax: number): AsyncGenerator<Uint8Array> {
    let size = 0
    let held = 0
    for await (const piece of body) {
      size += piece.length
      const more = (size > heldMax ? 0 : size) - held
      if (more !== 0) this.add(more)
      held += more
      yield piece
    }
  }
}
