import type { Scope } from '../exchange.ts'
import { holderOf } from './large-answers.ts'

/** One in a turn of the event loop, callers in turn, and one after the other of each. */
export async function makeLongPage<Made>(scope: Scope, make: () => Promise<Made>): Promise<Made> {
  const { context, call, request } = scope
  return await context.answers.inLine(holderOf(call.principal, request.state.ip), async () => {
    await waitForTurn(scope)
    return await make()
  })
}

/** Many ask at once, so it may be long in coming: what counts is what the caller may then. */
export async function waitForTurn({ context, call, request }: Scope): Promise<void> {
  await context.engine.lists.giveWay(call)()
  await request.state.renew()
}
