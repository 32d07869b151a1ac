/**
 * Where the public keys of an issuer of tokens come from: a JWK set (RFC 7517 §5).
 *
 * K1. `load` resolves with the whole document, parsed, or rejects.
 * K2. A document that is longer, or takes longer, than the limits of the driver is a failure.
 * K3. Nothing but the place of the settings is asked; redirects are failures.
 */
export interface KeySetSource {
  /** For logs. */
  readonly place: string
  load(signal: AbortSignal): Promise<unknown>
}
