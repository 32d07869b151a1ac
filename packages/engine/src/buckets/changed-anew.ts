import type { Call } from '@holdfast/core/call.ts'
import { authorisedAnew } from '../access/rights-now.ts'
import type { Engine } from '../engine.ts'

/**
 * Programs set all documents of a bucket at once. Of those that run at one moment each time one
 * comes through, so that many do.
 */
const ATTEMPTS_MAX = 32

/**
 * Decides about a bucket and commits, anew where it was changed in between, or is another one of
 * the same name.
 */
export async function changedAnew<T>(
  engine: Engine,
  call: Call,
  attempt: (now: Call) => Promise<T>,
): Promise<T> {
  return await authorisedAnew(engine, call, attempt, ATTEMPTS_MAX)
}
