import type { AnswerOf, BodyOf, ParamsOf, QueryOf, Route } from '@holdfast/contract/route.ts'
import type { OperationId, Routes } from '@holdfast/contract/routes.ts'
import type { Call } from '@holdfast/core/call.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import type { RequestBody } from './body/request-body.ts'
import { sendJson } from './send-json.ts'

/** One request on its way through an operation: parsed and checked, with its caller known. */
export interface Exchange<R extends Route = Route> {
  readonly context: Context
  readonly call: Call
  readonly params: ParamsOf<R>
  readonly query: QueryOf<R>
  /** The JSON body; undefined for routes whose body is read by the operation. */
  readonly body: BodyOf<R>
  /** The bytes of the body, not read yet. */
  readonly bytes: RequestBody
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** Returned by operations that sent their answer themselves. */
export const sent: unique symbol = Symbol('sent')

/** What an operation returns becomes the body of the route's main answer. */
export type Operation<R extends Route> = (
  exchange: Exchange<R>,
) => Promise<AnswerOf<R> | typeof sent>

/** One operation for every route: a missing or surplus one does not compile. */
export type Operations = { readonly [Id in OperationId]: Operation<Routes[Id]> }

/** Answers with another status and body than the route's main answer. */
export async function answer(
  exchange: { readonly reply: FastifyReply },
  status: number,
  body: object,
): Promise<typeof sent> {
  await sendJson(exchange.reply, status, body)
  return sent
}
