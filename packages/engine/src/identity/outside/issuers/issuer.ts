import type { KeySetSource } from '@holdfast/core/ports/key-set.ts'
import type { Mapping, Standing } from '../mapping.ts'
import type { ClaimPath } from './claims.ts'

export const foreignAlgorithms = ['RS256', 'ES256', 'HS256'] as const
export type ForeignAlgorithm = (typeof foreignAlgorithms)[number]

/** Somebody else who signs tokens that are taken here, as the settings say. */
export interface Issuer {
  /** `iss`, compared as it is; of unnamed tokens only what their subjects are recorded under. */
  readonly issuer: string
  /** One of them must be in `aud`; undefined: its tokens have neither `iss` nor `aud`. */
  readonly audiences: readonly string[] | undefined
  /** The only one taken, whatever the token says. */
  readonly algorithm: ForeignAlgorithm
  readonly keys: IssuerSecret | KeySetSource
  readonly refreshSeconds: number
  /** How far the clocks may differ. */
  readonly skewSeconds: number
  /** Tokens are good for no longer after `iat`, whatever `exp` says. */
  readonly maxAgeSeconds?: number | undefined
  /** `typ` of the header, where the issuer has tokens for several uses. */
  readonly tokenType?: string | undefined
  readonly claims: {
    readonly subject: ClaimPath
    readonly name: ClaimPath
    readonly email: ClaimPath
  }
  /** Claims that give rights, each with what its values stand for. */
  readonly maps: readonly ClaimMap[]
  /** What every subject of it may. */
  readonly always: Standing
  /** Buckets that its subjects are confined to; null = all. */
  readonly buckets: readonly string[] | null
}

export interface IssuerSecret {
  readonly secret: Uint8Array
}

export interface ClaimMap {
  readonly claim: ClaimPath
  readonly mapping: Mapping
}

/** What a remembered token depends on beside records: the keys of its issuer. */
export function keysOf(issuer: string): string {
  return `keys of ${issuer}`
}
