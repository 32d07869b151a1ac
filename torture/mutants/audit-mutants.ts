import type { Mutant } from './mutants.ts'

const audit = 'packages/engine/src/audit'
const hunts = [`test:${audit}/sealed-log.test.ts`]

/** Ways in which what somebody did to the audit log would not be seen. */
export const auditMutants: readonly Mutant[] = [
  {
    name: 'seal-unchecked',
    edits: [
      {
        in: `${audit}/audit-keys.ts`,
        find: /given\.length === expected\.length && timingSafeEqual\(given, expected\)/,
        put: 'given.length === expected.length',
      },
    ],
    hunts,
  },
  {
    name: 'sealed-again-in-silence',
    edits: [
      {
        in: `${audit}/audit-log.ts`,
        find: /if \(problems\.length > 0\) this\.#noteBroken\(problems/,
        put: 'if (problems.length > 99) this.#noteBroken(problems',
      },
    ],
    hunts,
  },
  {
    name: 'moved-end',
    edits: [
      {
        in: `${audit}/audit-transaction.ts`,
        find: /if \(isMoved\) return \{ seq, hash, isMoved \}\n/,
        put: '',
      },
    ],
    hunts,
  },
  {
    name: 'older-key-behind-newer',
    edits: [
      { in: `${audit}/chain-check.ts`, find: /found\.rank > this\.#rank/, put: 'found.rank > 99' },
    ],
    hunts,
  },
  {
    name: 'emptied-is-new',
    edits: [
      {
        in: `${audit}/audit-head.ts`,
        find: /\(await changes\.latest\(\)\) === 0 && /,
        put: '(await changes.latest()) >= 0 && ',
      },
    ],
    hunts,
  },
  {
    name: 'last-row-believed',
    edits: [
      {
        in: 'packages/drivers/src/catalog/sqlite/rooms/audits.ts',
        find: /return \{ seq, hash: readRow\(record\)/,
        put: 'return { seq: readRow(record)?.seq ?? seq, hash: readRow(record)',
      },
    ],
    hunts,
  },
  {
    name: 'tail-unchecked',
    edits: [
      {
        in: `${audit}/check-end.ts`,
        find: /else problems\.push\(\.\.\.check\.take\(filed\)\.map\(\(\{ text \}\) => text\)\)\n/,
        put: 'else void check\n',
      },
    ],
    hunts,
  },
  {
    name: 'key-of-all-stores',
    edits: [
      {
        in: `${audit}/audit-keys.ts`,
        find: /hkdfSync\('sha256', material, element,/,
        put: "hkdfSync('sha256', material, element.slice(99),",
      },
    ],
    hunts,
  },
]
