import { lasting } from '../runner/lasting.ts'
import type { Program, Run } from '../runner/program.ts'
import { type Burst, burst, type Statuses } from '../standstill/burst.ts'
import type { Case } from '../standstill/case.ts'
import { type Facts, fill, longKey, sizes } from '../standstill/fill.ts'
import { restCases } from '../standstill/rest-cases.ts'
import { s3Cases } from '../standstill/s3-cases.ts'
import { Stand } from '../standstill/stand.ts'
import { type Seen, standstillOf, Watch } from '../standstill/watch.ts'
import { apiKey } from '../target/holdfast-process.ts'

const standstillMsMax = 500
const rssBytesMax = 1024 ** 3
const atOnce = 100
/** Who waits for so long goes away: what was begun is not what holds up others by then. */
const burstMsMax = { short: 2500, long: 6000 }
const seconds = { short: { alone: 10, together: 18 }, long: { alone: 1200, together: 7200 } }
const least = { short: { alone: 40, together: 6 }, long: { alone: 1500, together: 600 } }
const worstTold = 10
/** A part of the names of those that are tried. */
const only = process.env.HOLDFAST_STANDSTILL
const mixedEvery = 12
const mixedCases = 10

export const program: Program = {
  id: 'T24',
  name: 'standstill',
  summary: 'requests as heavy as limits allow, alone and by the hundred, hold nobody else up',
  secondsMax: { short: 150, long: 10_800 },
  minimum: only === undefined ? least : { short: {}, long: {} },
  lane: 'alone',
  async run(run) {
    await using stand = await Stand.open(run.scratch)
    const began = performance.now()
    const facts = await fill(stand, sizes[run.length])
    run.figure('seconds to prepare', (performance.now() - began) / 1000)
    await using watch = Watch.begin(stand.server, watchedOf(stand, facts))
    const all = [...restCases(stand, facts), ...s3Cases(stand, facts)]
    const cases = all.filter(({ name }) => name.includes(only ?? ''))
    if (cases.length === 0) throw new Error(`no case is named like ${only}`)
    run.figure('cases', cases.length)
    const trials = new Trials(run, stand, watch)
    try {
      const costs = await trials.alone(shuffled(run, cases))
      await trials.together(orderOf(run, costs))
    } finally {
      trials.tell()
    }
    await lookAfter(run, stand, facts)
  },
}

/** Whoever asks for what is gone, or may ask no more, is refused early, and that proves nothing. */
async function lookAfter(run: Run, stand: Stand, facts: Facts): Promise<void> {
  const { owner, readonly, auditor, id, shareToken } = facts
  for (const wire of [stand.rest, stand.s3]) wire.hangUp()
  const looks = [
    stand.mustAs(owner.headers, ['GET', `/api/v2/assets/${id}`]),
    stand.mustAs(readonly.headers, ['GET', '/api/v2/auth/me']),
    stand.mustAs(auditor.headers, ['GET', '/api/v2/auth/me']),
    stand.mustAs({}, ['GET', `/api/v2/shared/${shareToken}`]),
  ]
  for (const look of await Promise.allSettled(looks)) {
    if (look.status === 'rejected') run.fail(`what is asked for is gone: ${look.reason}`)
  }
}

function watchedOf({ server: { url } }: Stand, { publicBucket }: Facts) {
  const key = encodeURIComponent(longKey(0))
  const asset = `${url}/api/v2/buckets/${publicBucket}/assets/${key}`
  return [
    { url: `${url}/health`, headers: {} },
    { url: asset, headers: { 'x-api-key': apiKey } },
  ]
}

function shuffled<Item>({ random }: Run, items: readonly Item[]): Item[] {
  const numbered = items.map(item => ({ item, at: random.fraction() }))
  return numbered.sort((a, b) => a.at - b.at).map(({ item }) => item)
}

interface Cost {
  readonly one: Case
  /** What it took alone. */
  readonly ranMs: number
}

/** In turn one that takes much alone, and one of the others; now and then some that are mixed. */
function orderOf(run: Run, costs: readonly Cost[]): (readonly Case[])[] {
  const dear = costs.toSorted((a, b) => b.ranMs - a.ranMs).map(({ one }) => one)
  const others = shuffled(run, dear)
  const order = new Set(dear.flatMap((one, n) => [one, others[n] ?? one]))
  const mixed = () => Array.from({ length: mixedCases }, () => run.random.pick(dear))
  return [...order].flatMap((one, n) => (n % mixedEvery === 2 ? [[one], mixed()] : [[one]]))
}

interface Tried extends Seen {
  readonly name: string
  readonly times: number
  readonly statuses: Statuses
}

class Trials {
  readonly #run: Run
  readonly #stand: Stand
  readonly #watch: Watch
  readonly #tried: Tried[] = []

  constructor(run: Run, stand: Stand, watch: Watch) {
    this.#run = run
    this.#stand = stand
    this.#watch = watch
  }

  /** Each one time, which tells how much it is and what is long by itself. */
  async alone(cases: readonly Case[]): Promise<Cost[]> {
    const costs: Cost[] = []
    const goesOn = lasting(this.#run, seconds[this.#run.length].alone, () => {
      return costs.length >= least[this.#run.length].alone
    })
    for (const one of cases) {
      if (!goesOn()) break
      const tried = await this.#try([one], 1)
      if (tried !== undefined) costs.push({ one, ranMs: tried.ranMs })
    }
    this.#run.count('alone', costs.length)
    return costs
  }

  async together(order: readonly (readonly Case[])[]): Promise<void> {
    let count = 0
    const goesOn = lasting(this.#run, seconds[this.#run.length].together, () => {
      return count >= least[this.#run.length].together
    })
    for (const cases of order) {
      if (!goesOn()) break
      const tried = await this.#try(cases, atOnce)
      if (tried === undefined) continue
      count += 1
      this.#run.count('together')
    }
  }

  async #try(cases: readonly Case[], times: number): Promise<Tried | undefined> {
    let tried = await this.#look(cases, times)
    if (tried === undefined) {
      this.#run.count('not to be made')
      return undefined
    }
    // Other work of the machine may have held it up: what is real is seen again.
    for (let again = 0; again < 2 && problemOf(tried) !== undefined; again += 1) {
      const other = await this.#look(cases, times)
      if (other !== undefined && standstillOf(other) < standstillOf(tried)) tried = other
    }
    this.#tried.push(tried)
    return tried
  }

  async #look(cases: readonly Case[], times: number): Promise<Tried | undefined> {
    const asked: Burst['asked'][number][] = []
    for (const { door, make } of cases) {
      const url = new URL(door === 's3' ? this.#stand.s3Url : this.#stand.server.url)
      const one = await make().catch(() => undefined)
      if (one !== undefined) asked.push({ url, asked: one })
    }
    if (asked.length === 0) return undefined
    let statuses: Statuses = {}
    const each = Math.ceil(times / asked.length)
    const act = async () => {
      statuses = await burst({ asked, times: each, msMax: burstMsMax[this.#run.length] })
    }
    const name = cases.map(one => one.name).join(' + ')
    const seeing = times === 1 ? this.#watch.alone(act) : this.#watch.during(act)
    const seen = await seeing.catch(cause => {
      throw new Error(`nobody is answered any more: ${times} x ${name}`, { cause })
    })
    if (this.#stand.server.end !== undefined) throw new Error(`the server ended: ${name}`)
    return { ...seen, name, times, statuses }
  }

  /** Lists of hundreds tell no more than their worst. */
  tell(): void {
    const run = this.#run
    const worst = this.#tried.toSorted((a, b) => standstillOf(b) - standstillOf(a))
    for (const one of worst.slice(0, worstTold)) run.say(told(one))
    const red = worst.filter(one => problemOf(one) !== undefined)
    for (const one of red.slice(0, worstTold)) run.fail(`${problemOf(one)}: ${told(one)}`)
    if (red.length > worstTold) {
      const others = red.slice(worstTold).map(({ name, times }) => `${times} x ${name}`)
      run.fail(`${others.length} more: ${others.join('; ')}`)
    }
    run.pass(worst.length - red.length)
    run.figure('longest standstill, ms', worst[0] === undefined ? 0 : standstillOf(worst[0]))
    run.figure('RSS highest, MB', Math.max(...worst.map(({ rssBytes }) => rssBytes)) / 1e6)
  }
}

function problemOf(seen: Seen): string | undefined {
  if (standstillOf(seen) > standstillMsMax) return 'others waited for long'
  return seen.rssBytes > rssBytesMax ? 'memory grew' : undefined
}

function told({ name, times, statuses, ...seen }: Tried): string {
  const { waitMs, turnMs, ranMs, rssBytes, slowness } = seen
  const ms = (value: number) => `${Math.round(value)} ms`
  const waits = waitMs === undefined ? '' : `wait ${ms(waitMs)}, `
  const slowed = `slowed ${slowness.toFixed(1)} times`
  const figures = `${waits}turn ${ms(turnMs)}, ${slowed}, ran ${ms(ranMs)}`
  const counts = Object.entries(statuses).map(([status, count]) => `${count} x ${status}`)
  const rss = `RSS ${Math.round(rssBytes / 1e6)} MB`
  return `${times} x ${name}: ${figures}, ${rss} (${counts.join(', ')})`
}
