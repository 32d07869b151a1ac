/**
 * A provider of OpenID Connect, where people log in with a browser (OpenID Connect Core 1.0 §3.1).
 *
 * O1. `finish` resolves only with the claims of an ID token that the provider signed for this
 *     client, is good now, and carries the nonce; the answer must carry the state.
 * O2. What the provider does not answer in time, or with a failure of its own, throws
 *     IDENTITY_UNAVAILABLE; what it refuses, or answers wrongly, throws UNAUTHENTICATED. Why, says
 *     an `OpenIdFault` as the cause.
 */
export interface OpenIdProvider {
  /** Its issuer. */
  readonly place: string
  /** Where to send the browser. */
  addressFor(attempt: OpenIdAttempt): Promise<string>
  /** `query` is that of the request with which the browser came back. */
  finish(query: string, attempt: OpenIdAttempt): Promise<object>
}

/** Why a login there failed: for logs, so without what the browser or the provider sent. */
export class OpenIdFault extends Error {
  /** Whoever holds the browser can cause it: no sign that the provider or the settings are bad. */
  readonly isOfBrowser: boolean

  constructor(reason: string, { isOfBrowser = false }: { readonly isOfBrowser?: boolean } = {}) {
    super(reason)
    this.isOfBrowser = isOfBrowser
  }
}

/** Secrets of one login, none of which is used twice. */
export interface OpenIdAttempt {
  readonly state: string
  readonly nonce: string
  /** Of PKCE (RFC 7636), between this server and the provider. */
  readonly verifier: string
}
