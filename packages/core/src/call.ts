import type { Principal } from './principal.ts'

/** What every engine call carries: who, on whose request, and until when. */
export interface Call {
  readonly principal: Principal
  readonly requestId: string
  readonly signal: AbortSignal
}
