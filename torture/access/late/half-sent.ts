import type { Lab } from '../open-lab.ts'
import type { RefusalsAudited } from '../refusals-audited.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import type { Answer, Asked, Held, Wire } from '../wire.ts'

/** A request whose rights change while its body is under way. */
export interface Late {
  readonly what: string
  /** What the audit log calls it. */
  readonly action: string
  readonly wire: Wire
  readonly asked: Asked
  /** What is wrong with the answer. */
  problem(answer: Answer): string | undefined
}

export interface Meanwhile {
  readonly name: string
  readonly late: readonly Late[]
  readonly happens: () => Promise<unknown>
}

/** All heads and half of all bodies, then what happens, then the rest: all must be refused. */
export async function refuseAll(
  lab: Lab,
  { name, late, happens }: Meanwhile,
  { report, refusals }: { readonly report: MatrixReport; readonly refusals: RefusalsAudited },
): Promise<void> {
  const held = await holdAll(late, name, report)
  await happens()
  const before = await lab.changes()
  const answers = await Promise.all(
    held.map(async ({ one, half }) => ({ one, answer: await half.finish() })),
  )
  if ((await lab.changes()) !== before) report.fail(`${name}: refused, but something changed`)
  for (const { one, answer } of answers) {
    const what = `${one.what}, ${name}`
    refusals.note(answer, { what, action: one.action, isThere: answer.status === 404 })
    judge(report, { what, answer, problem: one.problem(answer), as: 'late refused' })
  }
}

/** The same where what happens is nobody's concern, one after the other: all must be let in. */
export async function letAllIn(
  { name, late, happens }: Meanwhile,
  report: MatrixReport,
): Promise<void> {
  const held = await holdAll(late, name, report)
  await happens()
  for (const { one, half } of held) {
    const answer = await half.finish()
    const what = `${one.what}, ${name}`
    judge(report, { what, answer, problem: one.problem(answer), as: 'late let in' })
  }
}

async function holdAll(
  late: readonly Late[],
  name: string,
  report: MatrixReport,
): Promise<{ one: Late; half: Held }[]> {
  const all = await Promise.all(
    late.map(async one => ({ one, half: await one.wire.hold(one.asked) })),
  )
  for (const { one, half } of all) {
    if (half.early === undefined) continue
    const { status, text } = half.early
    report.fail(`${one.what}, before ${name}: ${status} ${text.slice(0, 200)}: reads no body`)
  }
  return all.filter(({ half }) => half.early === undefined)
}

function judge(
  report: MatrixReport,
  {
    what,
    answer,
    problem,
    as,
  }: { what: string; answer: Answer; problem: string | undefined; as: string },
): void {
  if (problem === undefined) {
    report.count(as)
    report.pass()
  } else report.fail(`${what}: ${answer.status} ${answer.text.slice(0, 200)}: ${problem}`)
}
