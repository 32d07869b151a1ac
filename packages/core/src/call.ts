import type { Principal } from './principal.ts'

/** What every engine call carries: who, on whose request, and until when. */
export interface Call {
  readonly principal: Principal
  /** Of the rights that the principal was found by; absent: nobody changed any since. */
  readonly moment?: number | undefined
  /** Where the request came from; absent for work of the store itself. */
  readonly address?: string | undefined
  /** Whose line it waits in; absent: that of the principal, of strangers by address. */
  readonly line?: string | undefined
  readonly requestId: string
  readonly signal: AbortSignal
}
