import type { Call } from '@holdfast/core/call.ts'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { authorisedAnew, rightsNow } from '../access/rights-now.ts'
import type { Engine } from '../engine.ts'

/** Each is overtaken only by changes that come anew, and by a gift. */
const ATTEMPTS_MAX = 32

/**
 * Decides about a bucket and commits, anew where it was changed in between, or is another one of
 * the same name. Programs set all documents of a bucket at once: if all that were overtaken decided
 * again at once, each commit would cost as many decisions as wait, and only so many came through.
 */
export async function changedAnew<T>(
  engine: Engine,
  { call, name }: { readonly call: Call; readonly name: string },
  attempt: (now: Call) => Promise<T>,
): Promise<T> {
  try {
    return await attempt(call)
  } catch (error) {
    if (!isHoldfastError(error) || error.code !== 'CHANGED_MEANWHILE') throw error
  }
  return await engine.bucketChanges.take(name, call.principal.id, async () => {
    // What is refused there commits nothing, and must not be refused all in one turn.
    await engine.lists.next(`changes of ${name}`)
    call.signal.throwIfAborted()
    return await authorisedAnew(engine, await rightsNow(engine, call), attempt, ATTEMPTS_MAX)
  })
}
