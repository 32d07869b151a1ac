import type { FastifyReply } from 'fastify'

/** The answer tells of the limits that were asked about, whether they let the request in or not. */
export async function withFields<T>(reply: FastifyReply, asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } finally {
    const { fields } = reply.request.state.admission
    if (fields !== undefined) reply.headers(fields)
  }
}
