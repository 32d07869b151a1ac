import type { AnswerOf, BodyOf, ParamsOf, QueryOf } from '@holdfast/contract/route.ts'
import type { OperationId, Routes } from '@holdfast/contract/routes.ts'
import { plainBytes } from '../body/upload-body.ts'
import { isClientError } from '../client-error.ts'
import type { CallOptions } from '../options.ts'
import { addressOf, type Params, type Query } from './address.ts'
import { unexpected } from './answer.ts'
import type { Answer, Transport, WireRequest } from './transport.ts'

/** The route table exists here as types only: a path that it does not have does not compile. */
export type Target<Id extends OperationId> = {
  readonly method: Routes[Id]['method']
  readonly path: Routes[Id]['path']
  readonly query?: (QueryOf<Routes[Id]> & Query) | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly options?: CallOptions | undefined
  /** A POST that may safely be sent twice. */
  readonly idempotent?: boolean
  readonly safe?: boolean
  readonly alsoStatuses?: readonly number[]
} & ('params' extends keyof Routes[Id]
  ? { readonly params: ParamsOf<Routes[Id]> & Params }
  : { readonly params?: undefined })

type JsonCall<Id extends OperationId> = Target<Id> & { readonly json?: BodyOf<Routes[Id]> }

/** Calls an operation whose answer is JSON, or nothing. */
export async function callJson<Id extends OperationId>(
  transport: Transport,
  id: Id,
  call: JsonCall<Id>,
): Promise<AnswerOf<Routes[Id]>> {
  const run = async () => await transport.run<AnswerOf<Routes[Id]>>(jsonRequest(id, call), readJson)
  try {
    return await run()
  } catch (error) {
    const isDue = isClientError(error) && error.code === 'CONFIRMATION_REQUIRED'
    if (!isDue || transport.onConfirm === undefined) throw error
    // Refused before anything was done, so it can be asked for again.
    await transport.onConfirm(async proof => {
      await confirmSession(transport, proof, call.options ?? {})
    })
    return await run()
  }
}

/** Marks the session of the key of this client. */
export async function confirmSession(
  transport: Transport,
  proof: BodyOf<Routes['confirmSession']>,
  options: CallOptions,
): Promise<AnswerOf<Routes['confirmSession']>> {
  const call = { method: 'POST', path: '/api/v2/auth/confirm', json: proof, options } as const
  return await transport.run<AnswerOf<Routes['confirmSession']>>(
    jsonRequest('confirmSession', call),
    readJson,
  )
}

export function jsonRequest<Id extends OperationId>(id: Id, call: JsonCall<Id>): WireRequest {
  const request = requestOf(id, call)
  if (call.json === undefined) return request
  const bytes = plainBytes(new TextEncoder().encode(JSON.stringify(call.json)))
  return {
    ...request,
    headers: { ...request.headers, 'content-type': 'application/json' },
    body: { kind: 'whole', bytes, size: bytes.length },
  }
}

export function requestOf<Id extends OperationId>(_id: Id, target: Target<Id>): WireRequest {
  const { method, path, params, query, headers, options, alsoStatuses } = target
  const isSafe = target.safe ?? (method === 'GET' || method === 'HEAD')
  // A change that was applied and whose answer was lost has made its own condition false.
  const isConditional = headers?.['if-match'] !== undefined
  return {
    method,
    address: addressOf(path, params ?? {}, query ?? {}),
    headers: headers ?? {},
    safe: isSafe,
    idempotent: target.idempotent ?? (isSafe || (method !== 'POST' && !isConditional)),
    ...(alsoStatuses === undefined ? {} : { alsoStatuses }),
    options: options ?? {},
  }
}

export async function readJson<T>({ response, silence }: Answer): Promise<T> {
  const text = await response.text()
  silence.release()
  return parseAnswer(response, text)
}

// What `JSON.parse` gives is taken at its word here: the contract is what the server promises.
function parseAnswer<T>(response: Response, text: string): T {
  try {
    return JSON.parse(text === '' ? 'null' : text)
  } catch {
    throw unexpected(response, 'The answer is not JSON; is this a Holdfast server?')
  }
}

export async function readText({ response, silence }: Answer): Promise<string> {
  const text = await response.text()
  silence.release()
  return text
}
