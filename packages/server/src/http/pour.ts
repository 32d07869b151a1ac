import type { ServerResponse } from 'node:http'
import type { ReadOptions } from '@holdfast/core/ports/element.ts'

/** A reader that takes nothing for this long is gone. */
const STALLED_MS = 120_000

export interface Pouring extends ReadOptions {
  readonly chunks: AsyncIterable<Uint8Array>
  /** Once, when the first chunk is there: a failure before it is still a proper refusal. */
  begin(): void | Promise<void>
  sent(bytes: number): void
}

/**
 * Sends chunks as they come, at the reader's pace. When the source fails half-way the connection is
 * broken: an answer that is not whole must not look whole. Chunks on loan are handed on one by one:
 * the next one is asked for when the one before has left.
 */
export async function pour(response: ServerResponse, pouring: Pouring): Promise<void> {
  const { chunks, onLoan = false } = pouring
  const source = chunks[Symbol.asyncIterator]()
  const first = await source.next()
  await pouring.begin()
  response.setTimeout(STALLED_MS, () => response.destroy())
  try {
    for (let next = first; next.done !== true; next = await source.next()) {
      pouring.sent(next.value.length)
      if (response.destroyed) return
      if (onLoan) await gone(response, next.value)
      else if (!response.write(next.value)) await drained(response)
      if (response.destroyed) return
    }
    response.end()
  } catch (error) {
    response.destroy()
    throw error
  } finally {
    await source.return?.()
  }
}

/** Resolves when nothing of the chunk is needed any more: the kernel has it, or nobody wants it. */
async function gone(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  await new Promise<void>(resolve => {
    response.once('close', resolve)
    response.write(chunk, () => {
      response.off('close', resolve)
      resolve()
    })
  })
}

async function drained(response: ServerResponse): Promise<void> {
  await new Promise<void>(resolve => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}
