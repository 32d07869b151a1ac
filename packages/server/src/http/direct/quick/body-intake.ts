import type { Socket } from 'node:net'
import type { Context } from '../../../context.ts'
import type { BodyBuffers } from '../body-buffers.ts'
import type { QuickAnswer, QuickIntake } from './quick-connections.ts'
import type { Announced, QuickPutHead } from './quick-put-head.ts'

export interface IntakeParts {
  readonly load: Context['load']
  readonly buffers: BodyBuffers
}

/** A small body, copied as it comes into memory that is used again; at work until it is over. */
export abstract class BodyIntake implements QuickIntake {
  readonly #parts: IntakeParts
  readonly #head: QuickPutHead<Announced>
  readonly #memory: Buffer
  #received = 0
  #isLent = false

  constructor(parts: IntakeParts, head: QuickPutHead<Announced>) {
    this.#parts = parts
    this.#head = head
    this.#memory = parts.buffers.take(head.headers.length)
    parts.load.active += 1
  }

  get missing(): number {
    return this.#head.headers.length - this.#received
  }

  get received(): number {
    return this.#received
  }

  add(chunk: Buffer, from: number): void {
    chunk.copy(this.#memory, this.#received, from)
    this.#received += chunk.length - from
  }

  async serve(socket: Socket): Promise<QuickAnswer | undefined> {
    this.#isLent = true
    const answer = await this.store(socket, this.#memory.subarray(0, this.#received))
    // A put that failed may have left the bytes with somebody; nobody looks at what is durable.
    if (answer !== undefined) this.#parts.buffers.giveBack(this.#memory)
    return answer
  }

  giveUp(): Buffer {
    const came = this.#memory.subarray(0, this.#received)
    const bytes = Buffer.concat([Buffer.from(this.#head.text, 'latin1'), came])
    if (!this.#isLent) this.#parts.buffers.giveBack(this.#memory)
    this.leave()
    return bytes
  }

  /** Never rejects; undefined when Node is to do it. Whoever answers says when it is over. */
  protected abstract store(socket: Socket, bytes: Uint8Array): Promise<QuickAnswer | undefined>

  /** It counts as work no longer. */
  protected leave(): void {
    this.#parts.load.active -= 1
  }
}
