import type { Mutant } from './mutants.ts'

const identity = 'packages/engine/src/identity'
const tests = (file: string) => `test:${identity}/${file}.test.ts`

/** Logins and rights of people, broken where docs/asvs.md makes a promise. */
export const peopleMutants: readonly Mutant[] = [
  {
    name: 'names-of-one-side-by-side',
    edits: [
      {
        in: `${identity}/sessions/login.ts`,
        find: /await turns\.take\(asked\.id, async \(\) => (await work\(.+?\))\)\n/,
        put: '$1\n',
      },
    ],
    hunts: [tests('sessions/login')],
  },
  {
    name: 'nobody-costs-nothing',
    edits: [
      {
        in: `${identity}/passwords/password-hasher.ts`,
        find: /const against = known \?\?/,
        put: 'if (known === undefined) return false\n    const against = known ??',
      },
    ],
    hunts: [tests('passwords/password-threads')],
  },
  {
    name: 'password-in-another-form',
    edits: [
      {
        in: `${identity}/passwords/password-hasher.ts`,
        find: /update\(password, /,
        put: "update(password.normalize('NFKC'), ",
      },
    ],
    hunts: [tests('users/users')],
  },
  {
    name: 'joins-what-was-granted',
    edits: [
      {
        in: `${identity}/groups/groups.ts`,
        find: /for \(const grant of grants\) requireHeld\(call, grant\.permissions\)\n/,
        put: '\n',
      },
    ],
    hunts: [tests('groups/groups')],
  },
  {
    name: 'shared-beyond-its-place',
    edits: [
      {
        in: 'packages/engine/src/access/decide.ts',
        find: / && key\?\.startsWith\(place\.prefix\) === true/,
        put: '',
      },
    ],
    hunts: ['test:packages/engine/src/access/decide.test.ts'],
  },
]
