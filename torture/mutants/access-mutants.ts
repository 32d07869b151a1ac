import type { Mutant } from './mutants.ts'

const engine = 'packages/engine/src'
const access = `${engine}/access`
const signed = 'packages/server/src/doors/s3/auth'
const policies = `test:${access}/policy/policy.test.ts`
const askedOf = `test:${signed}/asked-of-policies.test.ts`
const locks = `test:${engine}/objects/object-lock-doors.test.ts`

/** Ways past policies and locks that have been open once, or lie beside those. */
export const accessMutants: readonly Mutant[] = [
  {
    name: 'stranger-has-a-name',
    edits: [
      {
        in: `${access}/policy/conditions.ts`,
        find: /principal\.kind === 'anonymous' \? null : /,
        put: '',
      },
    ],
    hunts: [policies],
  },
  {
    name: 'halves-are-no-public',
    edits: [
      {
        in: `${access}/policy/networks.ts`,
        find: /network\.prefix >= \(network\.type === 'ipv4' \? 8 : 32\)/,
        put: 'network.prefix > 0',
      },
    ],
    hunts: [policies],
  },
  {
    name: 'source-as-it-came',
    edits: [
      {
        in: `${signed}/circumstances.ts`,
        find: /sourcePlace\(source\)/,
        put: 'source',
      },
    ],
    hunts: [askedOf],
  },
  {
    name: 'judged-in-one-spelling',
    edits: [
      {
        in: `${engine}/objects/remove-object.ts`,
        find: /versionId = input\.versionId\?\.toLowerCase\(\)/,
        put: 'versionId = input.versionId',
      },
      {
        in: `${engine}/objects/remove-object.ts`,
        find: /versionId: versionId \?\? null/,
        put: 'versionId: versionId?.toLowerCase() ?? null',
      },
    ],
    hunts: [askedOf],
  },
  {
    name: 'list-shown-to-all',
    edits: [
      {
        in: `${access}/decide.ts`,
        find: /return action === 's3:GetObjectAcl' \|\| /,
        put: 'return ',
      },
    ],
    hunts: [askedOf],
  },
  {
    name: 'same-bytes-not-held',
    edits: [
      {
        in: `${engine}/assets/writes/put-transaction.ts`,
        find: / && !prescribesRetention\(bucket\)/,
        put: '',
      },
    ],
    hunts: [locks],
  },
  {
    name: 'locked-but-changed',
    edits: [
      {
        in: `${engine}/versions/version-transactions.ts`,
        find: /requireUnlocked\(version, moment\)(?=\n {2}\}\n)/,
        put: '',
      },
    ],
    hunts: [locks],
  },
]
