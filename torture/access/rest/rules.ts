import { type Living, living } from '../people.ts'

/**
 * Who may what, written down apart from the code that decides it. `+` may, `1` is not known (401),
 * `3` may not (403), `4` may not even know that it is there (404), `.` does not occur.
 */
export type Verdict = '+' | '1' | '3' | '4' | '.'

/** Whose the resource is; `public`: somebody else's, in a bucket that everybody may read. */
export const kinds = ['own', 'foreign', 'public'] as const
export type Kind = (typeof kinds)[number]
export type Rule = Readonly<Record<Kind, Readonly<Record<Living, Verdict>>>>

//                            adm ope use aud rea nar str con ano
const nobodyElse = verdicts(' +   3   3   3   3   3   3   3   1 ')
const operators = verdicts('  +   +   3   3   3   3   3   3   1 ')
const auditors = verdicts('   +   3   3   +   3   3   3   3   1 ')

export const rules = {
  open: same(verdicts('       +   +   +   +   +   +   +   +   + ')),
  /** No guard, but a credential that is not good is told so. */
  everybody: same(verdicts('  +   +   +   +   +   +   +   +   + ')),
  self: same(verdicts('       +   +   +   +   +   +   +   +   1 ')),
  /** About the session of the caller, which keys do not have. */
  session: same(verdicts('    +   +   +   +   +   3   +   3   1 ')),
  administrators: same(nobodyElse),
  operators: same(operators),
  auditors: same(auditors),
  listBuckets: same(verdicts('+   +   +   +   +   3   +   +   1 ')),

  createBucket: same(verdicts('+   +   +   3   3   3   3   3   1 ')),
  changeBucket: same(verdicts('+   +   3   3   3   3   4   4   1 ')),
  readBucket: {
    own: verdicts('           +   +   +   +   +   3   4   4   1 '),
    foreign: verdicts('       +   +   +   +   +   3   4   4   1 '),
    public: verdicts('        +   +   +   +   +   3   3   3   1 '),
  },
  /** All assets of a bucket; who may see some of them sees those. */
  listBucket: {
    own: verdicts('           +   +   +   +   +   +   4   4   1 '),
    foreign: verdicts('       +   +   +   +   +   +   4   4   1 '),
    public: verdicts('        +   +   +   +   +   +   +   +   + '),
  },
  readAsset: {
    own: verdicts('           +   +   +   +   +   +   4   4   . '),
    foreign: verdicts('       +   +   4   +   4   +   4   4   1 '),
    public: verdicts('        +   +   +   +   +   +   +   +   + '),
  },
  readMetadata: {
    own: verdicts('           +   +   +   +   +   3   4   4   . '),
    foreign: verdicts('       +   +   4   +   4   3   4   4   1 '),
    public: verdicts('        +   +   +   +   +   +   +   +   + '),
  },
  readVersions: {
    own: verdicts('           +   +   +   +   +   3   4   4   . '),
    foreign: verdicts('       +   +   4   +   4   3   4   4   1 '),
    public: verdicts('        +   +   3   +   3   3   3   3   1 '),
  },
  /** What lists and totals over all buckets hold: of those that the caller is not confined from. */
  listed: {
    own: verdicts('           +   +   +   +   +   +   4   4   . '),
    foreign: verdicts('       +   +   4   +   4   +   4   4   4 '),
    public: verdicts('        +   +   +   +   +   +   4   4   + '),
  },
  /** Totals are for who may read everything. */
  totals: same(verdicts('     +   +   3   +   3   +   3   +   1 ')),
  /** A link lends the rights of its maker, so it takes somebody who is known. */
  lendReading: {
    own: verdicts('           +   +   +   +   +   +   4   4   . '),
    foreign: verdicts('       +   +   4   +   4   +   4   4   1 '),
    public: verdicts('        +   +   +   +   +   +   +   +   1 '),
  },
  change: {
    own: verdicts('           +   3   +   3   3   3   4   4   . '),
    foreign: verdicts('       +   3   4   3   3   3   4   4   1 '),
    public: verdicts('        +   3   3   3   3   3   3   3   1 '),
  },
  /** Of what is deleted know those who may change it, or read what it was. */
  restore: {
    own: verdicts('           +   3   +   3   3   3   4   4   . '),
    foreign: verdicts('       +   3   4   3   3   3   4   4   1 '),
    public: verdicts('        +   3   4   3   3   3   4   4   1 '),
  },
  /**
   * A new asset whose owner is the caller, or somebody else; also over one of somebody else, who
   * may make new ones there learns of it by being refused.
   */
  create: {
    own: verdicts('           +   3   +   3   3   3   4   4   . '),
    foreign: verdicts('       +   3   3   3   3   3   4   4   1 '),
    public: verdicts('        +   3   3   3   3   3   3   3   1 '),
  },
} as const satisfies Record<string, Rule>

/** Whether it may know that the asset is there. */
export function mayKnow(who: Living, kind: Kind): boolean {
  return rules.readAsset[kind][who] === '+'
}

/** One row for all kinds of things. */
export function sameFor(text: string): Rule {
  return same(verdicts(text))
}

function same(row: Readonly<Record<Living, Verdict>>): Rule {
  return { own: row, foreign: row, public: row }
}

function verdicts(text: string): Readonly<Record<Living, Verdict>> {
  const columns = text.trim().split(/ +/)
  if (columns.length !== living.length) throw new Error(`not ${living.length} columns: ${text}`)
  const pairs = living.map((who, at) => [who, verdictOf(columns[at])] as const)
  return Object.fromEntries(pairs) as Record<Living, Verdict>
}

function verdictOf(text: string | undefined): Verdict {
  switch (text) {
    case '+':
    case '1':
    case '3':
    case '4':
    case '.':
      return text
    default:
      throw new Error(`no verdict: ${text}`)
  }
}
