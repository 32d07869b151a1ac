import { isHoldfastError } from '@holdfast/core/errors.ts'
import { bucketNameProblem } from '@holdfast/core/names.ts'
import { wordsProblem } from '@holdfast/engine/identity/outside/mapping.ts'
import Type, { type Static } from 'typebox'
import { compileCheck } from '../../http/parse/validate.ts'
import type { Kind } from '../setting-kinds.ts'
import {
  type ClaimMapSettings,
  claimMapList,
  claimPath,
  mapsOf,
  mapsProblem,
  pathOf,
} from './claim-maps.ts'
import { jsonOf } from './mapping-setting.ts'

const closed = { additionalProperties: false } as const
const text = Type.String({ minLength: 1, maxLength: 2048 })
const words = Type.Array(text, { maxItems: 32 })

const entry = Type.Object(
  {
    issuer: text,
    audience: Type.Optional(Type.Union([text, Type.Array(text, { minItems: 1, maxItems: 16 })])),
    unnamed: Type.Optional(Type.Boolean()),
    max_age_seconds: Type.Optional(Type.Integer({ minimum: 60, maximum: 86_400 })),
    algorithm: Type.Enum(['RS256', 'ES256', 'HS256']),
    jwks_url: Type.Optional(text),
    jwks_file: Type.Optional(text),
    secret: Type.Optional(Type.String({ minLength: 32, maxLength: 1024 })),
    refresh_seconds: Type.Optional(Type.Integer({ minimum: 60, maximum: 86_400 })),
    clock_skew_seconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 300 })),
    token_type: Type.Optional(text),
    claims: Type.Optional(
      Type.Object(
        {
          subject: Type.Optional(claimPath),
          name: Type.Optional(claimPath),
          email: Type.Optional(claimPath),
        },
        closed,
      ),
    ),
    maps: Type.Optional(claimMapList),
    always: Type.Optional(words),
    buckets: Type.Optional(Type.Array(text, { maxItems: 1000 })),
  },
  closed,
)
const list = Type.Array(entry, { maxItems: 32 })
const check = compileCheck(list)
/** What the gateway of the sites makes its tokens good for. */
const UNNAMED_MAX_AGE_S = 900
type Entry = Static<typeof entry>

/** One issuer of tokens, checked. Paths of claims are lists of names. */
export interface IssuerSettings {
  readonly issuer: string
  /** Undefined: its tokens name neither it nor whom they are for. */
  readonly audiences: readonly string[] | undefined
  readonly algorithm: 'RS256' | 'ES256' | 'HS256'
  /** Exactly one of these three. */
  readonly jwksUrl: string | undefined
  readonly jwksFile: string | undefined
  readonly secret: string | undefined
  readonly refreshSeconds: number
  readonly skewSeconds: number
  readonly maxAgeSeconds: number | undefined
  readonly tokenType: string | undefined
  readonly claims: {
    readonly subject: readonly string[]
    readonly name: readonly string[]
    readonly email: readonly string[]
  }
  readonly maps: readonly ClaimMapSettings[]
  readonly always: readonly string[]
  readonly buckets: readonly string[] | null
}

/** The list of `STORAGE_EXTERNAL_ISSUERS`, as docs/issuers.md has it. */
export const issuerList: Kind<readonly IssuerSettings[]> = {
  type: 'JSON list of issuers',
  parse: given => {
    try {
      const entries = check(jsonOf(given))
      const problem = entries.map(problemOf).find(one => one !== undefined) ?? twice(entries)
      if (problem !== undefined) return { problem }
      return { value: entries.map(settingsOf) }
    } catch (error) {
      // What a field holds is not told: it may be a secret.
      const told = isHoldfastError(error) ? JSON.stringify(error.details.errors) : 'no JSON'
      return { problem: `must be a JSON list of issuers: ${told}` }
    }
  },
}

function settingsOf(given: Entry): IssuerSettings {
  const { claims = {}, maps = [] } = given
  return {
    issuer: given.issuer,
    audiences: given.audience === undefined ? undefined : [given.audience].flat(),
    algorithm: given.algorithm,
    jwksUrl: given.jwks_url,
    jwksFile: given.jwks_file,
    secret: given.secret,
    refreshSeconds: given.refresh_seconds ?? 300,
    skewSeconds: given.clock_skew_seconds ?? 30,
    maxAgeSeconds: given.max_age_seconds ?? (given.unnamed ? UNNAMED_MAX_AGE_S : undefined),
    tokenType: given.token_type,
    claims: {
      subject: pathOf(claims.subject ?? 'sub'),
      name: pathOf(claims.name ?? 'preferred_username'),
      email: pathOf(claims.email ?? 'email'),
    },
    maps: mapsOf(maps),
    always: given.always ?? [],
    buckets: given.buckets ?? null,
  }
}

function problemOf(given: Entry): string | undefined {
  const { issuer, algorithm, jwks_url: url, jwks_file: file, secret, maps = [] } = given
  const of = (text: string) => `${JSON.stringify(issuer)} ${text}`
  const sources = [url, file, secret].filter(one => one !== undefined)
  if (sources.length !== 1) return of('needs exactly one of jwks_url, jwks_file and secret')
  // A public key must never be the secret of an HMAC, nor a secret be looked for in a key set.
  if ((algorithm === 'HS256') !== (secret !== undefined)) {
    return of('needs a secret with HS256, and keys with RS256 and ES256')
  }
  const { unnamed = false, audience } = given
  if (unnamed === (audience !== undefined)) {
    return of('needs an audience, or unnamed: true for tokens with neither iss nor aud')
  }
  if (unnamed && algorithm !== 'HS256') return of('is unnamed, which only HS256 may be')
  const wrong = url === undefined ? undefined : outsideUrlProblem(url)
  if (wrong !== undefined) return of(`has a jwks_url that ${wrong}`)
  const bad = mapsProblem(maps)
  if (bad !== undefined) return of(`has a map where ${bad}`)
  const always = wordsProblem(given.always ?? [])
  if (always !== undefined) return of(`always ${always}`)
  const bucket = given.buckets?.find(name => bucketNameProblem(name) !== undefined)
  return bucket === undefined
    ? undefined
    : of(`names ${JSON.stringify(bucket)}, which is no bucket`)
}

function twice(entries: readonly Entry[]): string | undefined {
  const names = entries.map(({ issuer }) => issuer)
  const double = names.find((name, index) => names.indexOf(name) !== index)
  if (double !== undefined) return `names ${JSON.stringify(double)} twice`
  const unnamed = entries.filter(entry => entry.unnamed === true)
  return unnamed.length > 1 ? 'has more than one issuer that is unnamed' : undefined
}

/** What this server asks must be who it says: TLS, or a program on this machine. */
export function outsideUrlProblem(given: string): string | undefined {
  const url = URL.parse(given)
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') {
    return 'must be an address without a user and without a fragment'
  }
  if (url.protocol === 'https:') return undefined
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  return url.protocol === 'http:' && isLoopback ? undefined : 'must begin with https://'
}
