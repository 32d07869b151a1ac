import type { Lab } from '../access/open-lab.ts'
import { password } from '../access/people.ts'
import type { Run } from '../runner/program.ts'

const pairs = { short: 12, long: 2000 }
/** Of a whole run on a machine that has nothing else to do: less is noise. */
const shareMax = 0.05
const msMax = 1

/**
 * A wrong password of somebody and one of nobody, in turns: their medians must not tell which was
 * which. Judged in long runs; short ones report the figures.
 */
export async function compareTimes(run: Run, lab: Lab): Promise<void> {
  const user = { username: 'timed', password, roles: [], must_change_password: false }
  const { id } = await lab.must('POST', '/api/v2/users', user)
  const known: number[] = []
  const unknown: number[] = []
  for (let n = 0; n < pairs[run.length] && !run.signal.aborted; n += 1) {
    // A lock would answer sooner, for the one as for the other.
    if (n % 4 === 0) await lab.must('POST', `/api/v2/users/${id}/unlock`)
    const sides = n % 2 === 0 ? ['known', 'unknown'] : ['unknown', 'known']
    for (const side of sides) {
      const name = side === 'known' ? 'timed' : `timed-${n}`
      const times = side === 'known' ? known : unknown
      times.push(await failedLoginMs(lab, name))
    }
    run.count('timed pairs')
  }
  const [one, other] = [median(known), median(unknown)]
  run.figure('wrong password, ms', one)
  run.figure('unknown user, ms', other)
  const apart = Math.abs(one - other)
  const tells = apart > msMax && apart > shareMax * Math.max(one, other)
  if (tells && run.length === 'long') run.fail(`the times are ${apart} ms apart`)
  else run.pass()
}

async function failedLoginMs(lab: Lab, username: string): Promise<number> {
  const body = Buffer.from(JSON.stringify({ username, password: 'wrong' }))
  const headers = { 'content-type': 'application/json' }
  const startedMs = performance.now()
  const asked = { method: 'POST', path: '/api/v2/auth/login', headers, body }
  const { status } = await lab.rest.ask(asked)
  if (status !== 401) throw new Error(`a wrong password got ${status}`)
  return performance.now() - startedMs
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
