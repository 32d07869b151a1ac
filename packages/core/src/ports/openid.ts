/**
 * A provider of OpenID Connect, where people log in with a browser (OpenID Connect Core 1.0 §3.1).
 *
 * O1. `finish` resolves only with the claims of an ID token that the provider signed for this
 *     client, is good now, and carries the nonce; the answer must carry the state.
 * O2. What the provider does not answer in time throws IDENTITY_UNAVAILABLE; what it refuses, or
 *     answers wrongly, throws UNAUTHENTICATED.
 */
export interface OpenIdProvider {
  /** Its issuer. */
  readonly place: string
  /** Where to send the browser. */
  addressFor(attempt: OpenIdAttempt): Promise<string>
  /** `query` is that of the request with which the browser came back. */
  finish(query: string, attempt: OpenIdAttempt): Promise<object>
}

/** Secrets of one login, none of which is used twice. */
export interface OpenIdAttempt {
  readonly state: string
  readonly nonce: string
  /** Of PKCE (RFC 7636), between this server and the provider. */
  readonly verifier: string
}
