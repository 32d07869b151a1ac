import type { Problem } from '@holdfast/contract/schemas/problem.ts'
import { ClientError } from '../client-error.ts'
import { parseRetryAfter } from './retry.ts'

const PROBLEM_CHARS_MAX = 256 * 1024

/** What a refusal says. Anything that is no problem body came from something in between. */
export async function refusalOf(response: Response, isSafe: boolean): Promise<ClientError> {
  const problem = await readProblem(response)
  const { status } = response
  const facts = { status, retryAfterMs: parseRetryAfter(response.headers) }
  if (problem === undefined) {
    const message = `The server answered ${status} ${response.statusText}`.trimEnd()
    const requestId = response.headers.get('x-request-id') ?? undefined
    const mayHaveApplied = !isSafe && status >= 500
    const code = status === 304 ? 'NOT_MODIFIED' : 'HTTP_STATUS'
    return new ClientError(`${message}.`, { ...facts, code, requestId, mayHaveApplied })
  }
  const { message, code, details, request_id: requestId } = problem
  const mayHaveApplied = !isSafe && (code === 'OUTCOME_UNKNOWN' || code === 'INTERNAL')
  return new ClientError(message, { ...facts, code, details, requestId, mayHaveApplied })
}

async function readProblem(response: Response): Promise<Problem | undefined> {
  if (!/\bjson\b/.test(response.headers.get('content-type') ?? '')) return undefined
  const length = Number(response.headers.get('content-length') ?? 0)
  if (length > PROBLEM_CHARS_MAX) return undefined
  try {
    const value: unknown = JSON.parse(await response.text())
    return isProblem(value) ? { ...value, details: value.details ?? {} } : undefined
  } catch {
    return undefined
  }
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false
  if (!('code' in value) || !('message' in value)) return false
  return typeof value.code === 'string' && typeof value.message === 'string'
}

export function unexpected(response: Response, message: string): ClientError {
  const requestId = response.headers.get('x-request-id') ?? undefined
  const { status } = response
  return new ClientError(message, { code: 'UNEXPECTED_ANSWER', status, requestId })
}
