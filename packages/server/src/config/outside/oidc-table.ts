import { type ReadSetting, setting, type ValuesOf } from '../setting.ts'
import { type Kind, list, seconds, text } from '../setting-kinds.ts'
import { type ClaimMapSettings, claimMaps } from './claim-maps.ts'
import { outsideUrlProblem } from './issuer-settings.ts'
import { rights } from './mapping-setting.ts'

const word = text({ pattern: /^[\x21-\x7e]{1,1024}$/, hint: 'printable ASCII characters' })

const ALGORITHMS = ['RS256', 'ES256'] as const
type Algorithm = (typeof ALGORITHMS)[number]

const algorithm: Kind<Algorithm> = {
  type: ALGORITHMS.join(', '),
  parse: given => {
    const value = ALGORITHMS.find(one => one === given)
    return value === undefined ? { problem: 'must be RS256 or ES256' } : { value }
  },
}

/** A provider of OpenID Connect, where people log in with a browser: docs/oidc.md. */
export const oidcTable = {
  oidcIssuer: setting<string | undefined>({
    name: 'OIDC_ISSUER',
    kind: {
      type: 'address such as https://idp.example.org/realms/main',
      parse: given => {
        const problem = outsideUrlProblem(given)
        return problem === undefined ? { value: given } : { problem }
      },
    },
    description: 'Provider of OpenID Connect. Unset: none. See docs/oidc.md.',
    standard: undefined,
  }),
  oidcClientId: setting<string | undefined>({
    name: 'OIDC_CLIENT_ID',
    kind: word,
    description: 'Name of this server there. Needed.',
    standard: undefined,
  }),
  oidcClientSecret: setting<string | undefined>({
    name: 'OIDC_CLIENT_SECRET',
    kind: word,
    description: 'Secret of this server there. Needed.',
    standard: undefined,
    secret: true,
  }),
  oidcLabel: setting({
    name: 'OIDC_LABEL',
    kind: text({ pattern: /^\P{C}{1,64}$/u, hint: '1 to 64 characters that can be seen' }),
    description: 'What login pages write on the button: everybody may read it.',
    standard: 'OpenID Connect',
  }),
  oidcScopes: setting<readonly string[]>({
    name: 'OIDC_SCOPES',
    kind: list('scopes', scope => (/^[\x21-\x7e]{1,255}$/.test(scope) ? undefined : 'is none')),
    description: 'What to ask for; openid must be among them.',
    standard: ['openid', 'profile', 'email'],
  }),
  oidcAlgorithm: setting<Algorithm>({
    name: 'OIDC_ALGORITHM',
    kind: algorithm,
    description: 'How the provider signs ID tokens; no other way is taken.',
    standard: 'RS256',
  }),
  oidcMaps: setting<readonly ClaimMapSettings[]>({
    name: 'OIDC_MAPS',
    kind: claimMaps,
    description: 'Claims that give rights, and what their values stand for.',
    standard: [],
  }),
  oidcDefaultRole: setting<readonly string[]>({
    name: 'OIDC_DEFAULT_ROLE',
    kind: rights,
    description: 'What everybody gets who can log in there; none for nothing.',
    standard: [],
  }),
  oidcReturnUrls: setting<readonly string[]>({
    name: 'OIDC_RETURN_URLS',
    kind: list('addresses', given => outsideUrlProblem(given)),
    description: 'Pages that may get the code of a login. Needed.',
    standard: [],
  }),
  oidcSessionSeconds: setting({
    name: 'OIDC_SESSION_LIFETIME',
    kind: seconds(300, 30 * 86_400),
    description: 'After so long people log in there again.',
    standard: 43_200,
  }),
  oidcKeySeconds: setting({
    name: 'OIDC_KEY_LIFETIME',
    kind: seconds(300, 90 * 86_400),
    description: 'So long after a login there, keys and links of who logged in are good.',
    standard: 7 * 86_400,
  }),
} as const

export type OidcSettings = ValuesOf<typeof oidcTable>

/** Every row by name: a row that is added does not compile until it is read. */
export function readOidc(read: ReadSetting): OidcSettings {
  const table = oidcTable
  return {
    oidcIssuer: read(table.oidcIssuer),
    oidcClientId: read(table.oidcClientId),
    oidcClientSecret: read(table.oidcClientSecret),
    oidcLabel: read(table.oidcLabel),
    oidcScopes: read(table.oidcScopes),
    oidcAlgorithm: read(table.oidcAlgorithm),
    oidcMaps: read(table.oidcMaps),
    oidcDefaultRole: read(table.oidcDefaultRole),
    oidcReturnUrls: read(table.oidcReturnUrls),
    oidcSessionSeconds: read(table.oidcSessionSeconds),
    oidcKeySeconds: read(table.oidcKeySeconds),
  }
}
