import { slowdown } from '../runner/machine-load.ts'
import type { Program, Run } from '../runner/program.ts'
import { burst, type Statuses } from '../standstill/burst.ts'
import type { Case } from '../standstill/case.ts'
import { type Facts, fill, longKey, sizes } from '../standstill/fill.ts'
import { restCases } from '../standstill/rest-cases.ts'
import { s3Cases } from '../standstill/s3-cases.ts'
import { Stand } from '../standstill/stand.ts'
import { type Seen, Watch } from '../standstill/watch.ts'
import { apiKey } from '../target/holdfast-process.ts'

const waitMsMax = 500
const rssBytesMax = 1024 ** 3
const atOnce = 100
/** Who waits for so long goes away: what was begun is not what holds up others by then. */
const burstMsMax = 6000
const secondsOfCases = { short: 30, long: 7200 }
const casesMin = { short: 20, long: 600 }
const worstTold = 10

export const program: Program = {
  id: 'T24',
  name: 'standstill',
  summary: 'a hundred equal requests as heavy as limits allow: others are answered meanwhile',
  secondsMax: { short: 120, long: 10_800 },
  minimum: {
    short: { cases: casesMin.short, requests: casesMin.short * atOnce },
    long: { cases: casesMin.long, requests: casesMin.long * atOnce },
  },
  lane: 'alone',
  async run(run) {
    await using stand = await Stand.open(run.scratch)
    const began = performance.now()
    const facts = await fill(stand, sizes[run.length])
    run.figure('seconds to prepare', (performance.now() - began) / 1000)
    await using watch = await Watch.begin(stand.server, watchedOf(stand, facts))
    const all = [...restCases(stand, facts), ...s3Cases(stand, facts)]
    run.say(`${all.length} cases`)
    await tryAll(run, { stand, watch }, drawn(run, all))
  },
}

interface Trial {
  readonly stand: Stand
  readonly watch: Watch
}

interface Tried extends Seen {
  readonly name: string
  readonly statuses: Statuses
}

function watchedOf({ server: { url } }: Stand, { publicBucket }: Facts) {
  const key = encodeURIComponent(longKey(0))
  const asset = `${url}/api/v2/buckets/${publicBucket}/assets/${key}`
  return [
    { url: `${url}/health`, headers: {} },
    { url: asset, headers: { 'x-api-key': apiKey } },
  ]
}

/** In an order that the seed decides: a short run tries those that come first. */
function drawn(run: Run, cases: readonly Case[]): Case[] {
  const wanted = process.env.STANDSTILL_ONLY
  const some = wanted === undefined ? cases : cases.filter(({ name }) => name.includes(wanted))
  const numbered = some.map(one => ({ one, at: run.random.fraction() }))
  return numbered.sort((a, b) => a.at - b.at).map(({ one }) => one)
}

async function tryAll(run: Run, trial: Trial, cases: readonly Case[]): Promise<void> {
  const tried: Tried[] = []
  const until = performance.now() + secondsOfCases[run.length] * 1000
  for (const one of cases) {
    if (run.signal.aborted || performance.now() > until) break
    const result = await tryOne(run, trial, one)
    if (result === undefined) continue
    tried.push(result)
    if (result.waitMs > waitMsMax / 4) run.say(told(result))
  }
  tried.sort((a, b) => b.waitMs - a.waitMs)
  run.say('the worst:')
  for (const one of tried.slice(0, worstTold)) run.say(told(one))
  run.figure('longest wait, ms', tried[0]?.waitMs ?? 0)
  run.figure('RSS highest, MB', Math.max(...tried.map(({ rssBytes }) => rssBytes)) / 1e6)
}

async function tryOne(run: Run, trial: Trial, one: Case): Promise<Tried | undefined> {
  let seen = await look(trial, one)
  if (seen === undefined) {
    run.count('not to be made')
    return undefined
  }
  // Other work of the machine may have held it up: what is real is seen again.
  if (problemOf(seen) !== undefined) {
    const again = await look(trial, one)
    if (again !== undefined && again.waitMs < seen.waitMs) seen = again
  }
  run.count('cases')
  run.count(
    'requests',
    Object.values(seen.statuses).reduce((sum, count) => sum + count, 0),
  )
  const problem = problemOf(seen)
  if (problem === undefined) run.pass()
  else run.fail(`${problem}: ${told(seen)}`)
  return seen
}

async function look({ stand, watch }: Trial, one: Case): Promise<Tried | undefined> {
  const asked = await one.make().catch(() => undefined)
  if (asked === undefined) return undefined
  const url = new URL(one.door === 's3' ? stand.s3Url : stand.server.url)
  let statuses: Statuses = {}
  const seen = await watch.during(async () => {
    statuses = await burst({ url, asked: [asked], times: atOnce, msMax: burstMsMax })
  })
  if (stand.server.end !== undefined) throw new Error(`the server ended: ${one.name}`)
  return { ...seen, name: one.name, statuses }
}

function problemOf({ waitMs, lagMs, rssBytes }: Seen): string | undefined {
  const most = waitMsMax * slowdown()
  if (Math.min(waitMs, lagMs + most / 2) > most) return 'others waited for long'
  return rssBytes > rssBytesMax ? 'memory grew' : undefined
}

function told({ name, statuses, waitMs, lagMs, cpuMs, rssBytes }: Tried): string {
  const counts = Object.entries(statuses).map(([status, count]) => `${count} x ${status}`)
  const figures = `wait ${Math.round(waitMs)} ms, turn ${Math.round(lagMs)} ms, CPU ${cpuMs} ms`
  return `${name}: ${figures}, RSS ${Math.round(rssBytes / 1e6)} MB (${counts.join(', ')})`
}
