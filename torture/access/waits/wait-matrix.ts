import { createAccessKey, revokeAccessKey } from '@holdfast/engine/access/keys/access-keys.ts'
import { systemCall } from '@holdfast/engine/engine.ts'
import type { Lab } from '../open-lab.ts'
import { type Caller, password } from '../people.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import { Worlds } from '../rest/worlds.ts'
import type { Pair } from '../s3/sign.ts'
import { refuseAll, writeNoMore } from './wait-cases.ts'
import { WaitLinks } from './wait-links.ts'
import { type Lost, WaitRest } from './wait-rest.ts'
import { type LearnedS3, WaitS3 } from './wait-s3.ts'
import { Waits } from './waits.ts'

const AT_ONCE = 60
const patches = {
  'shut out': { status: 'INACTIVE' },
  'made a reader': { roles: ['READONLY'] },
} as const satisfies Record<Lost, object>

/**
 * Buckets have a limit, if one that nobody reaches: it is counted, which may take long. Reports are
 * held at each of their waits at once.
 */
export const waitEnv = {
  STORAGE_RATE_LIMIT_BUCKET: '1000000/1h',
  STORAGE_AUDIT_RUNS_PER_CALLER: '100',
}

/**
 * Every request of both doors, held at each of its waits while its sender loses the right to it.
 * All is refused then, nothing is written, and nothing told.
 */
export async function runWaitMatrix(
  lab: Lab,
  report: MatrixReport,
  part: Part = { of: 1, at: 0 },
): Promise<void> {
  using waits = new Waits(lab)
  const asking = { lab, waits, report, part }
  const worlds = await Worlds.open(lab)
  await loseRest(asking, worlds)
  await loseLinks(asking, worlds)
  await loseS3(asking)
}

/** One request in so many: all of them take a minute. */
export interface Part {
  readonly of: number
  readonly at: number
}

/** What was let in before, and a part of all others. */
function sampled<Question extends { readonly how: string }>(
  questions: readonly Question[],
  { of, at }: Part,
  named: (question: Question) => string,
): readonly Question[] {
  const isKept = (one: Question) => letInBefore.has(`${named(one)}${one.how}`)
  return questions.filter((one, place) => place % of === at || isKept(one))
}

const letInBefore: ReadonlySet<string> = new Set([
  ...[
    'getAsset',
    'removeAsset',
    'createUser',
    'exportAudits',
    'verifyAudits',
    'createShare (more)',
  ],
  ...['updateBucket (more)', 'listUsers', 'reportAudits', 'batchDelete (more)', 'openLink'],
  ...['describeShare (part)', 'describeShare (part, password)', 'openShare (part)', 'headShare'],
  ...[
    'DeleteObject',
    'DeleteObjects (many)',
    'ListObjects (1000)',
    'PutBucketCors (long)',
    'DeleteBucket',
  ],
])

interface Asking {
  readonly part: Part
  readonly lab: Lab
  readonly waits: Waits
  readonly report: MatrixReport
}

async function loseRest(asking: Asking, worlds: Worlds): Promise<void> {
  const { lab } = asking
  using wire = lab.rest.forMany()
  const rest = new WaitRest({ ...asking, wire }, worlds)
  const questions = sampled(rest.questions, asking.part, one => one.operation)
  for (let first = 0; first < questions.length; first += AT_ONCE) {
    const knows = await newPerson(lab)
    const learned = []
    for (const one of questions.slice(first, first + AT_ONCE)) {
      const who = one.row.spends === true ? await newPerson(lab) : knows
      learned.push(await rest.learn(one, who))
    }
    for (const lost of ['shut out', 'made a reader'] as const) {
      const who = await newPerson(lab)
      const waiters = learned
        .map(one => rest.waiter(one, who, lost))
        .filter(one => one !== undefined)
      const happens = async () => await lab.must('PUT', `/api/v2/users/${who.id}`, patches[lost])
      await refuseAll(asking, { name: lost, waiters, happens })
    }
    const who = await newPerson(lab)
    const waiters = learned
      .filter(one => one.question.route.method !== 'GET')
      .map(one => rest.waiter(one, who, 'shut out'))
      .filter(one => one !== undefined)
    const happens = async () => {
      return await lab.must('PUT', `/api/v2/users/${who.id}`, patches['shut out'])
    }
    await writeNoMore(asking, { name: 'shut out', waiters, happens })
  }
}

/** Whoever made the link is shut out, or it is revoked; or whose password it is. */
async function loseLinks(asking: Asking, worlds: Worlds): Promise<void> {
  const { lab } = asking
  using wire = lab.rest.forMany()
  const links = new WaitLinks({ ...asking, wire }, worlds)
  const questions = sampled(links.questions, asking.part, one => one.operation)
  const counts: number[] = []
  const knows = await newPerson(lab)
  for (const question of questions) {
    // Their own passwords and sessions they change.
    const who = question.isOwn === true ? await newPerson(lab) : knows
    counts.push(await links.learn(question, who))
  }
  for (const end of ['shut out', 'made a reader', 'revoked'] as const) {
    const who = await newPerson(lab)
    const all = []
    for (const [at, question] of questions.entries()) {
      all.push(await links.waiter(question, who, { waits: counts[at] ?? 0, end }))
    }
    const waiters = all.filter(one => one !== undefined)
    const happens = async () => {
      if (end !== 'revoked') await lab.must('PUT', `/api/v2/users/${who.id}`, patches[end])
      else for (const { share } of waiters) await lab.must('DELETE', `/api/v2/shares/${share}`)
    }
    await refuseAll(asking, { name: end, waiters, happens })
  }
}

async function loseS3(asking: Asking): Promise<void> {
  const { lab } = asking
  const { engine } = lab.context
  using wire = lab.s3.forMany()
  const s3 = await WaitS3.open({ ...asking, wire })
  const questions = sampled(s3.questions, asking.part, one => one.name)
  for (let first = 0; first < questions.length; first += AT_ONCE) {
    const knows = await newPair(lab, { permissions: ['*'] })
    const learned: LearnedS3[] = []
    for (const one of questions.slice(first, first + AT_ONCE)) {
      learned.push(await s3.learn(one, knows))
    }
    const lose = async (name: string, pair: Pair, happens: () => Promise<unknown>) => {
      const isReader = name === 'made a reader'
      const waiters = learned.map(one => s3.waiter(one, pair, isReader))
      await refuseAll(asking, { name, waiters: waiters.filter(one => one !== undefined), happens })
    }
    const revoked = await newPair(lab, { permissions: ['*'] })
    const revoke = async () => await revokeAccessKey(engine, systemCall('waits'), revoked.id)
    await lose('whose key is revoked', revoked, revoke)
    for (const lost of ['shut out', 'made a reader'] as const) {
      const { id: userId } = await newPerson(lab)
      const pair = await newPair(lab, { userId })
      const happens = async () => await lab.must('PUT', `/api/v2/users/${userId}`, patches[lost])
      await lose(lost, pair, happens)
    }
    const last = await newPair(lab, { permissions: ['*'] })
    const waiters = learned.map(one => s3.waiter(one, last, false)).filter(one => one !== undefined)
    const happens = async () => await revokeAccessKey(engine, systemCall('waits'), last.id)
    await writeNoMore(asking, { name: 'whose key is revoked', waiters, happens })
  }
}

async function newPair(
  lab: Lab,
  about: { readonly permissions?: readonly string[]; readonly userId?: string },
): Promise<Pair> {
  const input = { name: 'waits', ...about }
  const { key, secret } = await createAccessKey(lab.context.engine, systemCall('waits'), input)
  return { id: key.id, secret }
}

let people = 0

/** An administrator with a session. */
async function newPerson(lab: Lab): Promise<Caller> {
  people += 1
  const username = `wait-${people}`
  const input = { username, password, roles: ['ADMIN'], must_change_password: false }
  const { id } = await lab.must('POST', '/api/v2/users', input)
  const tokens = await lab.must('POST', '/api/v2/auth/login', { username, password })
  return { name: username, id, headers: { authorization: `Bearer ${tokens.access_token}` } }
}
