import type { ServerResponse } from 'node:http'
import type { ReadOptions } from '@holdfast/core/ports/element.ts'
import type { FastifyReply } from 'fastify'

/** A reader that takes nothing for this long is gone. */
const STALLED_MS = 120_000

/**
 * Sends chunks as they come, at the reader's pace. When the source fails half-way the connection is
 * broken: an answer that is not whole must not look whole. Chunks on loan are handed on one by one:
 * the next one is asked for when the one before has left.
 */
export async function streamOut(
  reply: FastifyReply,
  chunks: AsyncIterable<Uint8Array>,
  { onLoan = false }: ReadOptions = {},
): Promise<void> {
  const { request } = reply
  const source = chunks[Symbol.asyncIterator]()
  // Before the headers, so that a failure at the start is still a proper refusal.
  const first = await source.next()
  reply.hijack()
  const response = reply.raw
  response.writeHead(reply.statusCode, headersOf(reply))
  response.setTimeout(STALLED_MS, () => response.destroy())
  try {
    for (let next = first; next.done !== true; next = await source.next()) {
      request.state.sentBytes += next.value.length
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

function headersOf(reply: FastifyReply): Record<string, string | number | string[]> {
  const headers: Record<string, string | number | string[]> = {}
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) headers[name] = value
  }
  return headers
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
