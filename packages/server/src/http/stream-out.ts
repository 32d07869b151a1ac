import type { ReadOptions } from '@holdfast/core/ports/element.ts'
import type { FastifyReply } from 'fastify'
import { pour } from './pour.ts'

/** Sends chunks as the answer of a route. */
export async function streamOut(
  reply: FastifyReply,
  chunks: AsyncIterable<Uint8Array>,
  options: ReadOptions = {},
): Promise<void> {
  const { state } = reply.request
  await pour(reply.raw, {
    ...options,
    chunks,
    begin: async () => {
      await state.begins?.()
      reply.hijack()
      reply.raw.writeHead(reply.statusCode, headersOf(reply))
    },
    sent: bytes => {
      state.sentBytes += bytes
    },
  })
}

function headersOf(reply: FastifyReply): Record<string, string | number | string[]> {
  const headers: Record<string, string | number | string[]> = {}
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) headers[name] = value
  }
  return headers
}
