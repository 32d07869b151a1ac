import type { Mutant } from './mutants.ts'

const access = 'packages/engine/src/access'
const server = 'packages/server/src'

/** The check before what a direct GET by key sends. */
const directCheck = /if \(!decide.+\n(?= +return peekContent\(engine, asset\)\n\}\n\n\/)/

/** Ways to get in, or to learn what nobody should know. */
export const securityMutants: readonly Mutant[] = [
  {
    name: 'confined-everywhere',
    edits: [{ in: `${access}/decide.ts`, find: /scoped && inside/, put: 'scoped' }],
    hunts: ['attack:matrix getAsset'],
  },
  {
    name: 'direct-unasked',
    edits: [
      {
        in: 'packages/engine/src/assets/peek.ts',
        find: directCheck,
        put: '',
      },
    ],
    hunts: ['attack:matrix getByKey'],
  },
  {
    name: 'tells-what-is-there',
    edits: [
      {
        in: `${access}/decide.ts`,
        find: /asset !== undefined && !mayKnow\(principal, resource\)/,
        put: 'false',
      },
    ],
    hunts: ['attack:matrix getAsset'],
  },
  {
    name: 'revoked-key',
    edits: [
      {
        in: `${access}/keys/keys.ts`,
        find: /key === undefined \|\| key\.revokedAt !== null\) throw/,
        put: 'key === undefined) throw',
      },
    ],
    hunts: ['attack:matrix whoAmI'],
  },
  {
    name: 'head-decides',
    edits: [
      {
        in: `${server}/http/body/request-body.ts`,
        find: /failed \? undefined : this\.whenRead\?\.\(\)/,
        put: 'undefined',
      },
    ],
    hunts: ['attack:late'],
  },
  {
    name: 'refresh-as-access',
    edits: [
      {
        in: 'packages/engine/src/identity/sessions/tokens.ts',
        find: /typ: TYPES\[use\],\n(?=\s+requiredClaims)/,
        put: '',
      },
      {
        in: 'packages/engine/src/identity/sessions/tokens.ts',
        find: /type !== use \|\| /,
        put: '',
      },
    ],
    hunts: ['attack:tokens'],
  },
  {
    name: 'guesses-side-by-side',
    edits: [
      {
        in: 'packages/engine/src/identity/turns.ts',
        find: /line\.tail\.then\(work\)/,
        put: 'work()',
      },
    ],
    hunts: ['attack:guesses'],
  },
  {
    name: 'more-than-held',
    edits: [
      { in: `${access}/keys/keys.ts`, find: /if \(excess === undefined\) return/, put: 'return' },
    ],
    hunts: ['attack:rights'],
  },
  {
    name: 'unsigned-headers',
    edits: [
      {
        in: `${server}/doors/s3/auth/verify.ts`,
        find: /missing\.length === 0 && signedHeaders\.includes\('host'\)/,
        put: 'true',
      },
    ],
    hunts: ['attack:signatures'],
  },
  {
    name: 'any-chunk',
    edits: [
      {
        in: `${server}/doors/s3/auth/chunks.ts`,
        find: /!sameSignature\(given, expected\)/,
        put: 'false',
      },
    ],
    hunts: ['attack:signatures'],
  },
  {
    name: 'scripts-shown',
    edits: [
      {
        in: `${server}/http/content/disposition.ts`,
        find: /return !SCRIPTABLE[^\n]+/,
        put: 'return true',
      },
      {
        in: `${server}/http/security-headers.ts`,
        find: /contentPolicy = "sandbox; default-src 'none'/,
        put: `contentPolicy = "default-src 'self'`,
      },
    ],
    hunts: ['attack:types'],
  },
  {
    name: 'secret-in-audit',
    edits: [
      {
        in: `${server}/doors/rest/people/name-told.ts`,
        find: /\{ username: null \}/,
        put: '{ username: name }',
      },
    ],
    hunts: ['attack:secrets'],
  },
]
