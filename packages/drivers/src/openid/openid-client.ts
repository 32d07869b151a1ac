import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import {
  type OpenIdAttempt,
  OpenIdFault,
  type OpenIdProvider,
} from '@holdfast/core/ports/openid.ts'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretBasic,
  type Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
} from 'openid-client'
import { boundedFetch } from './bounded-fetch.ts'
import { faultOf, translated } from './openid-fault.ts'

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
/** So long after endpoints moved at the provider, logins go there. */
const FRESH_MS = 10 * 60_000
/** A good document is kept while no other is to be had, which is asked for so often. */
const RETRY_MS = 60_000

interface Known {
  readonly configuration: Configuration
  /** Of the monotonic clock. */
  readonly freshUntilMs: number
}

/**
 * OpenID Connect with code, PKCE, state and nonce. The signature of the ID token is checked with
 * the keys of the provider, though the token comes over TLS.
 */
export class OpenIdClient implements OpenIdProvider {
  readonly place: string
  readonly #options: OpenIdOptions
  readonly #clock: Clock
  #known: Known | undefined
  #asking: Promise<Configuration> | undefined

  constructor(options: OpenIdOptions, clock: Clock) {
    this.place = options.issuer
    this.#options = options
    this.#clock = clock
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
      if (claims === undefined) throw refused('there is no ID token')
      // Core §3.1.3.7: the library asks only where there are several audiences.
      const { azp = this.#options.clientId } = claims
      if (azp !== this.#options.clientId) throw refused('the ID token is for another party (azp)')
      return claims
    } catch (error) {
      throw translated(error)
    }
  }

  async #configuration(): Promise<Configuration> {
    const known = this.#known
    if (known !== undefined && this.#clock.monotonic() < known.freshUntilMs) {
      return known.configuration
    }
    this.#asking ??= this.#renewed(known).finally(() => {
      this.#asking = undefined
    })
    return await this.#asking
  }

  async #renewed(known: Known | undefined): Promise<Configuration> {
    try {
      return this.#keep(await this.#discover(), FRESH_MS)
    } catch (error) {
      if (known !== undefined) return this.#keep(known.configuration, RETRY_MS)
      throw new HoldfastError('IDENTITY_UNAVAILABLE', {}, { cause: faultOf(error) })
    }
  }

  #keep(configuration: Configuration, ms: number): Configuration {
    this.#known = { configuration, freshUntilMs: this.#clock.monotonic() + ms }
    return configuration
  }

  async #discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecret, algorithm } = this.#options
    // The settings let plain HTTP through to this machine only.
    const insecure = issuer.startsWith('http:') ? [allowInsecureRequests] : []
    const found = await discovery(
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
    requireEndpoints(found, insecure.length > 0)
    return found
  }
}

/**
 * Discovery 1.0 §3: all three are there. The library looks when it needs one, and takes any scheme
 * where plain HTTP is allowed: browsers would be sent to it.
 */
function requireEndpoints(configuration: Configuration, isPlainAllowed: boolean): void {
  const { authorization_endpoint, token_endpoint, jwks_uri } = configuration.serverMetadata()
  const endpoints = { authorization_endpoint, token_endpoint, jwks_uri }
  for (const [name, endpoint] of Object.entries(endpoints)) {
    const protocol = URL.parse(String(endpoint))?.protocol
    if (protocol === 'https:' || (isPlainAllowed && protocol === 'http:')) continue
    throw new Error(`the provider's document has no good ${name}`)
  }
}

function refused(reason: string): HoldfastError {
  return new HoldfastError('UNAUTHENTICATED', {}, { cause: new OpenIdFault(reason) })
}
