import { isDeepStrictEqual } from 'node:util'
import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { type Scope, sent } from '../exchange.ts'
import { holderOf } from './large-answers.ts'

/** One in a turn of the event loop, callers in turn, and one after the other of each. */
export async function makeLongPage<Made>(scope: Scope, make: () => Promise<Made>): Promise<Made> {
  const { context, call, request } = scope
  return await context.answers.inLine(holderOf(call.principal, request.state.ip), async () => {
    await waitForTurn(scope)
    return await make()
  })
}

const LOOKS_MAX = 5

interface Looking<Found> {
  /** Asks again what the caller may. */
  readonly renew: () => Promise<void> | undefined
  readonly find: () => Promise<Found>
  /** Whether what it was judged by besides the caller is still so. */
  readonly holds?: (found: Found) => Promise<boolean>
}

/**
 * What is found in turns may take long: it is not told to who may no more, and found anew for who
 * may other things by then. CHANGED_MEANWHILE where that goes on and on.
 */
export async function foundNow<Found>(
  call: Pick<Call, 'principal'>,
  { renew, find, holds }: Looking<Found>,
): Promise<Found> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const { principal } = call
    const found = await find()
    if (found === sent) return found
    await renew()
    const isCaller = isDeepStrictEqual(call.principal, principal)
    if (isCaller && (await holds?.(found)) !== false) return found
  }
  throw new HoldfastError('CHANGED_MEANWHILE')
}

/** Many ask at once, so it may be long in coming: what counts is what the caller may then. */
export async function waitForTurn({ context, call, request }: Scope): Promise<void> {
  await context.engine.lists.giveWay(call)()
  await request.state.renew()
}
