import type { Mutant } from './mutants.ts'

const identity = 'packages/engine/src/identity'
const server = 'packages/server/src'
const logins = [`test:${identity}/outside/openid/openid-login.test.ts`]
const users = [`test:${identity}/users/users.test.ts`]
const factors = [`test:${identity}/factors/second-factor.test.ts`]
const attacks = [`test:${server}/doors/rest/people/attacks.test.ts`]

/** What docs/asvs.md says of people and their secrets, and no test once held to. */
export const identityMutants: readonly Mutant[] = [
  {
    name: 'known-by-address',
    edits: [
      {
        in: `${identity}/outside/openid/openid-login.ts`,
        find: /id: subjectId\(issuer, subject\)/,
        put: "id: subjectId(issuer, textAt(claims, ['email']) ?? subject)",
      },
    ],
    hunts: logins,
  },
  {
    name: 'codes-for-ever',
    edits: [
      {
        in: `${identity}/outside/openid/kept-once.ts`,
        find: /kept === undefined \|\| kept\.untilMs <= [^?]+\? undefined : /,
        put: 'kept === undefined ? undefined : ',
      },
    ],
    hunts: logins,
  },
  {
    name: 'passwords-folded',
    edits: [
      {
        in: `${identity}/passwords/password-hasher.ts`,
        find: /\.update\(password, 'utf8'\)/,
        put: ".update(password.normalize('NFC').trim(), 'utf8')",
      },
    ],
    hunts: users,
  },
  {
    name: 'passwords-unsalted',
    edits: [
      {
        in: `${identity}/passwords/password-thread.ts`,
        find: /hashSync\(text, work\.cost\)/,
        put: "hashSync(text, '$2b$04$h3FZpbl1gNb4cVYTqM0d3u')",
      },
    ],
    hunts: users,
  },
  {
    name: 'recovery-codes-of-all',
    edits: [
      {
        in: `${identity}/factors/recovery-codes.ts`,
        find: /\$\{userId\}\\n/,
        put: '',
      },
    ],
    hunts: factors,
  },
  {
    name: 'factor-changed-in-silence',
    edits: [
      {
        in: `${identity}/factors/second-factor.ts`,
        find: /notify\(engine, user, 'An administrator switched off the second factor'\)/,
        put: '',
      },
    ],
    hunts: [`test:${identity}/resets/resets.test.ts`],
  },
  {
    name: 'key-in-a-query',
    edits: [
      {
        in: `${server}/http/limits/known-caller.ts`,
        find: /const isGiven = /,
        put: `const query = new URL(state.request.url ?? '/', 'http://x').searchParams
  const key = query.get('api_key')
  if (key !== null) return await principalOf(engine, { 'x-api-key': key })
  const isGiven = `,
      },
    ],
    hunts: attacks,
  },
  {
    name: 'session-in-a-cookie',
    edits: [
      {
        in: `${server}/doors/rest/people/identity.ts`,
        find: /const \{ user, tokens \} = await login\(/,
        put: `exchange.reply.header('set-cookie', 'session=x')
    const { user, tokens } = await login(`,
      },
    ],
    hunts: attacks,
  },
  {
    name: 'content-for-all-caches',
    edits: [
      {
        in: `${server}/http/content/send-content.ts`,
        find: /'private, no-cache'/,
        put: "'public, max-age=60'",
      },
    ],
    hunts: [`test:${server}/doors/rest/contents.test.ts`],
  },
  {
    name: 'login-told-later',
    edits: [
      {
        in: `${server}/http/caller/audited.ts`,
        find: /if \(OWN_AFFAIRS\.test\(path\)\) return changes \? 'before-answer'/,
        put: "if (OWN_AFFAIRS.test(path)) return changes ? 'soon'",
      },
    ],
    hunts: [`test:${server}/doors/rest/people/audits.test.ts`],
  },
]
