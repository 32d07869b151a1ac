import { HoldfastError } from '@holdfast/core/errors.ts'
import type { OpenIdAttempt, OpenIdProvider } from '@holdfast/core/ports/openid.ts'
import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientError,
  ClientSecretBasic,
  type Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  ResponseBodyError,
} from 'openid-client'
import { boundedFetch } from './bounded-fetch.ts'

export interface OpenIdOptions {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scopes: readonly string[]
  /** `redirect_uri`, as it is registered with the provider. */
  readonly callback: string
  readonly algorithm: 'RS256' | 'ES256'
}

const TIMEOUT_S = 5

/**
 * OpenID Connect with code, PKCE, state and nonce. The signature of the ID token is checked with
 * the keys of the provider, though the token comes over TLS.
 */
export class OpenIdClient implements OpenIdProvider {
  readonly place: string
  readonly #options: OpenIdOptions
  #known: Promise<Configuration> | undefined

  constructor(options: OpenIdOptions) {
    this.place = options.issuer
    this.#options = options
  }

  async addressFor({ state, nonce, verifier }: OpenIdAttempt): Promise<string> {
    const configuration = await this.#configuration()
    return buildAuthorizationUrl(configuration, {
      redirect_uri: this.#options.callback,
      scope: this.#options.scopes.join(' '),
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...{ state, nonce },
    }).href
  }

  async finish(query: string, { state, nonce, verifier }: OpenIdAttempt): Promise<object> {
    const configuration = await this.#configuration()
    try {
      const url = new URL(this.#options.callback)
      url.search = query
      const tokens = await authorizationCodeGrant(configuration, url, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      })
      const claims = tokens.claims()
      if (claims === undefined) throw new HoldfastError('UNAUTHENTICATED')
      // Core §3.1.3.7: the library asks only where there are several audiences.
      const { azp = this.#options.clientId } = claims
      if (azp !== this.#options.clientId) throw new HoldfastError('UNAUTHENTICATED')
      return claims
    } catch (error) {
      throw translated(error)
    }
  }

  /** Asked once; after a failure again. */
  async #configuration(): Promise<Configuration> {
    this.#known ??= this.#discover().catch(error => {
      this.#known = undefined
      throw new HoldfastError('IDENTITY_UNAVAILABLE', {}, { cause: error })
    })
    return await this.#known
  }

  async #discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecret, algorithm } = this.#options
    // The settings let plain HTTP through to this machine only.
    const insecure = issuer.startsWith('http:') ? [allowInsecureRequests] : []
    return await discovery(
      new URL(issuer),
      clientId,
      { id_token_signed_response_alg: algorithm },
      ClientSecretBasic(clientSecret),
      {
        timeout: TIMEOUT_S,
        execute: [enableNonRepudiationChecks, ...insecure],
        [customFetch]: boundedFetch,
      },
    )
  }
}

const SILENT: ReadonlySet<string> = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT'])

function translated(error: unknown): Error {
  const isAnswer =
    error instanceof ResponseBodyError ||
    error instanceof AuthorizationResponseError ||
    error instanceof HoldfastError ||
    (error instanceof ClientError && !SILENT.has(error.code ?? ''))
  const code = isAnswer ? 'UNAUTHENTICATED' : 'IDENTITY_UNAVAILABLE'
  return new HoldfastError(code, {}, { cause: error })
}
