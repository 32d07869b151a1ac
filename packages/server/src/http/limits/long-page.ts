import type { Scope } from '../exchange.ts'
import { holderOf } from './large-answers.ts'

/** One in a turn of the event loop, callers in turn, and one after the other of each. */
export async function makeLongPage<Made>(
  { context, call, request }: Scope,
  make: () => Promise<Made>,
): Promise<Made> {
  return await context.answers.inLine(holderOf(call.principal, request.state.ip), async () => {
    await context.engine.lists.giveWay(call)()
    return await make()
  })
}
