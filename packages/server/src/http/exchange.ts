import type { AnswerOf, BodyOf, ParamsOf, QueryOf, Route } from '@holdfast/contract/route.ts'
import type { OperationId, Routes } from '@holdfast/contract/routes.ts'
import type { Call } from '@holdfast/core/call.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import type { RequestBody } from './body/request-body.ts'
import { sendJson } from './send-json.ts'

/** One request and everything around it. */
export interface Scope {
  readonly context: Context
  readonly call: Call
  /** The bytes of the body, not read yet. */
  readonly bytes: RequestBody
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** A request with its parts parsed and checked, as the operation of its route gets it. */
export interface Exchange<R extends Route = Route> extends Scope {
  readonly params: ParamsOf<R>
  readonly query: QueryOf<R>
  /** The JSON body; undefined for routes whose body is read by the operation. */
  readonly body: BodyOf<R>
}

/** Returned by operations that sent their answer themselves. */
export interface Sent {
  readonly sent: true
}
export const sent: Sent = Object.freeze({ sent: true })

/** What an operation returns becomes the body of the route's main answer. */
export type Operation<R extends Route> = (exchange: Exchange<R>) => Promise<AnswerOf<R> | Sent>

/** One operation for every route: a missing or surplus one does not compile. */
export type Operations = { readonly [Id in OperationId]: Operation<Routes[Id]> }

/** Answers with another status and body than the route's main answer. */
export async function answer(
  exchange: { readonly reply: FastifyReply },
  status: number,
  body: object,
): Promise<Sent> {
  await sendJson(exchange.reply, { status, body })
  return sent
}
