import { recordRequest } from './record-request.ts'
import type { RequestState } from './request-state.ts'

/** Counts a request as at work until its connection is done with it, and then records it. */
export function trackRequest(state: RequestState, operation: () => string): void {
  const { load } = state.context
  load.active += 1
  state.response.once('close', () => {
    load.active -= 1
    if (!state.response.writableFinished) state.giveUp()
    recordRequest(state, operation())
  })
}
