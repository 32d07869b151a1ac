import type { Program, Run } from '../runner/program.ts'
import { type Burst, burst, type Statuses } from '../standstill/burst.ts'
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
const secondsOfCases = { short: 30, long: 1500 }
const casesMin = { short: 20, long: 600 }
const worstTold = 10
const mixedEvery = 12
const mixedCases = 10

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
  readonly problem?: string | undefined
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
function drawn(run: Run, cases: readonly Case[]): (readonly Case[])[] {
  const only = process.env.HOLDFAST_STANDSTILL
  const some = only === undefined ? cases : cases.filter(({ name }) => name.includes(only))
  const numbered = some.map(one => ({ one, at: run.random.fraction() }))
  const alone = numbered.sort((a, b) => a.at - b.at).map(({ one }) => [one])
  if (only !== undefined) return alone
  return alone.flatMap((one, n) => (n % mixedEvery === 0 ? [one, mixed(run, cases)] : [one]))
}

function mixed(run: Run, cases: readonly Case[]): readonly Case[] {
  return Array.from({ length: mixedCases }, () => run.random.pick(cases))
}

async function tryAll(run: Run, trial: Trial, cases: readonly (readonly Case[])[]): Promise<void> {
  const tried: Tried[] = []
  const until = performance.now() + secondsOfCases[run.length] * 1000
  for (const together of cases) {
    if (run.signal.aborted || performance.now() > until) break
    const result = await tryOne(run, trial, together)
    if (result === undefined) continue
    tried.push(result)
    if (result.waitMs / result.slowness > waitMsMax / 4) run.say(told(result))
  }
  tried.sort((a, b) => b.waitMs / b.slowness - a.waitMs / a.slowness)
  run.say('the worst:')
  for (const one of tried.slice(0, worstTold)) run.say(told(one))
  const red = tried.filter(({ problem }) => problem !== undefined)
  run.pass(tried.length - red.length)
  run.count('cases', tried.length)
  // A list of hundreds tells no more than its worst.
  for (const one of red.slice(0, worstTold)) run.fail(`${one.problem}: ${told(one)}`)
  if (red.length > worstTold) run.fail(`${red.length - worstTold} more cases`)
  run.figure('longest wait, ms', tried[0]?.waitMs ?? 0)
  run.figure('RSS highest, MB', Math.max(...tried.map(({ rssBytes }) => rssBytes)) / 1e6)
}

async function tryOne(
  run: Run,
  trial: Trial,
  together: readonly Case[],
): Promise<Tried | undefined> {
  let seen = await look(trial, together)
  if (seen === undefined) {
    run.count('not to be made')
    return undefined
  }
  // Other work of the machine may have held it up: what is real is seen again.
  if (problemOf(seen) !== undefined) {
    const again = await look(trial, together)
    if (again !== undefined && again.waitMs / again.slowness < seen.waitMs / seen.slowness)
      seen = again
  }
  run.count('requests', atOnce)
  return { ...seen, problem: problemOf(seen) }
}

async function look(
  { stand, watch }: Trial,
  together: readonly Case[],
): Promise<Tried | undefined> {
  const asked: Burst['asked'][number][] = []
  for (const { door, make } of together) {
    const url = new URL(door === 's3' ? stand.s3Url : stand.server.url)
    const one = await make().catch(() => undefined)
    if (one !== undefined) asked.push({ url, asked: one })
  }
  if (asked.length === 0) return undefined
  let statuses: Statuses = {}
  const seen = await watch.during(async () => {
    const times = Math.ceil(atOnce / asked.length)
    statuses = await burst({ asked, times, msMax: burstMsMax })
  })
  const name = together.map(one => one.name).join(' + ')
  if (stand.server.end !== undefined) throw new Error(`the server ended: ${name}`)
  return { ...seen, name, statuses }
}

function problemOf({ waitMs, slowness, rssBytes }: Seen): string | undefined {
  if (waitMs / slowness > waitMsMax) return 'others waited for long'
  return rssBytes > rssBytesMax ? 'memory grew' : undefined
}

function told({ name, statuses, slowness, ...seen }: Tried): string {
  const { waitMs, lagMs, cpuMs, rssBytes } = seen
  const counts = Object.entries(statuses).map(([status, count]) => `${count} x ${status}`)
  const ms = (value: number) => `${Math.round(value)} ms`
  const times = `wait ${ms(waitMs)}, turn ${ms(lagMs)}, slowed ${slowness.toFixed(1)} times`
  const figures = `${times}, CPU ${ms(cpuMs)}`
  return `${name}: ${figures}, RSS ${Math.round(rssBytes / 1e6)} MB (${counts.join(', ')})`
}
