import { bodyProblem } from '@holdfast/testkit/self-describing-bodies.ts'
import { lookInside } from '../../oracle/look-inside.ts'
import { lasting } from '../../runner/lasting.ts'
import type { Length, Run } from '../../runner/program.ts'
import { type BesiegedOptions, BesiegedProcess, pathBefore } from './besieged.ts'
import type { Plan } from './plans.ts'
import { assets, bodiesBefore, bucket } from './requests.ts'
import { culprit, type StormTally, storm, unsettled } from './storm.ts'

/** One storm after the other, each judged by itself, until the time is over. */
const roundSeconds = { short: 3, long: 20 }
const siegeSeconds: Readonly<Record<Length, number>> = { short: 3, long: 600 }
const connectionsMin: Readonly<Record<Length, number>> = { short: 530, long: 20_000 }
/** Databases, packs and journals that come and go with the work. */
const filesMore = 8
const culpritMs = 90_000
const places = 40

/** As it comes small requests are answered the short ways, at the others the long one. */
const servers: Readonly<Record<string, Pick<BesiegedOptions, 'env' | 'isTls'>>> = {
  'as it comes': {},
  'with places': {
    env: {
      STORAGE_CONCURRENCY_LIMIT_ADDRESS: String(places),
      STORAGE_CONCURRENCY_LIMIT_PRINCIPAL: String(places - 4),
      STORAGE_CONCURRENCY_LIMIT_BUCKET: String(places - 8),
    },
  },
  'over TLS': { isTls: true },
}
/** A body of which a part is asked about while it comes. */
const roomBytes = 3 * 1024 * 1024

export const connectionsMinimum = (length: Length) => ({
  connections: 3 * connectionsMin[length],
  'cut by a reset': connectionsMin[length] / 4,
  'half-closed': connectionsMin[length] / 10,
  'left silent': connectionsMin[length] / 20,
  'answered meanwhile': 12,
})

/** Connections that mean no good at a real server, on all of its ports. */
export async function besiege(run: Run): Promise<void> {
  await Promise.all(Object.keys(servers).map(name => besiegeOne(run, name)))
}

export async function besiegeOne(run: Run, name: string): Promise<void> {
  const server = servers[name]
  if (server === undefined) throw new RangeError(`no server ${name}`)
  await new Siege(run, name, server).hold()
}

class Siege {
  readonly #run: Run
  readonly #name: string
  readonly #server: Pick<BesiegedOptions, 'env' | 'isTls'>
  #made = 0
  #starts = 0
  #slowestMs = 0

  constructor(run: Run, name: string, server: Pick<BesiegedOptions, 'env' | 'isTls'>) {
    this.#run = run
    this.#name = name
    this.#server = server
  }

  async hold(): Promise<void> {
    const target = await this.#start()
    try {
      const { length } = this.#run
      const goesOn = lasting(this.#run, siegeSeconds[length], () => {
        return this.#made >= connectionsMin[length]
      })
      let isSound = true
      while (isSound && goesOn()) isSound = await this.#round(target)
      if (!isSound) return
      await this.#judgeContent(target)
      await this.#judgeRoom(target)
      const code = await target.stop()
      if (code !== 0) this.#fail(`it stopped with ${code}`)
      const { problems } = await lookInside(target.dataDir, { collect: true })
      for (const problem of problems) this.#fail(`inside: ${problem}`)
      this.#run.pass()
    } finally {
      await target.kill()
    }
  }

  async #round(target: BesiegedProcess): Promise<boolean> {
    const run = this.#run
    const before = { counts: await target.counts(), files: target.files }
    const first = this.#made
    const goesOn = lasting(run, roundSeconds[run.length], () => {
      return this.#made >= connectionsMin[run.length]
    })
    const onward = (made: number) => {
      this.#made = first + made
      return goesOn()
    }
    const tally = await storm(target, { seed: run.seed, first, goesOn: onward })
    this.#made = first + tally.plans.length
    this.#tell(tally)
    const problems = [...tally.problems, ...target.complaints]
    const left = await unsettled(target, before.counts).catch(String)
    // First, as what is said of answers that did not come follows from it.
    if (left !== undefined) problems.unshift(left)
    else if (target.files > before.files + filesMore) {
      problems.push(`${target.files} files are open, ${before.files} before`)
    }
    for (const problem of problems) {
      this.#fail(`connections ${first} to ${this.#made - 1}: ${problem}`)
    }
    if (left !== undefined) await this.#accuse(tally.plans)
    else this.#run.pass(tally.plans.length - tally.problems.length)
    return problems.length === 0
  }

  #tell({ plans, answers, slowestMs }: StormTally): void {
    const ended = (ending: string) => plans.filter(plan => plan.ending === ending).length
    this.#run.count('connections', plans.length)
    this.#run.count('cut by a reset', ended('reset'))
    this.#run.count('half-closed', ended('half-close'))
    this.#run.count('left silent', ended('silence'))
    this.#run.count('answered meanwhile', answers)
    this.#slowestMs = Math.max(this.#slowestMs, slowestMs)
    this.#run.figure(`slowest answer ${this.#name}, ms`, this.#slowestMs)
  }

  async #accuse(plans: readonly Plan[]): Promise<void> {
    const found = await culprit(plans, {
      start: async () => await this.#start(),
      seed: this.#run.seed,
      msMax: culpritMs,
    })
    this.#fail(found === undefined ? 'no single connection does it' : `alone it is ${found}`)
  }

  /** What was written before, and whatever the storm wrote whole, byte for byte. */
  async #judgeContent(target: BesiegedProcess): Promise<void> {
    for (const [at, length] of bodiesBefore.entries()) {
      const { status, body } = await target.ask('rest', pathBefore(at))
      const problem = bodyProblem(body, { operation: at + 1, length })
      if (status !== 200 || problem !== undefined)
        this.#fail(`${pathBefore(at)}: ${status} ${problem}`)
    }
    let looked = 0
    for (const key of await keysBelow(target, 'whole/')) {
      const [, operation, length] = /^whole\/(\d+)-(\d+)$/.exec(key) ?? []
      const { status, body } = await target.ask('rest', `${assets}/${key}`)
      const expected = { operation: Number(operation), length: Number(length) }
      const problem = bodyProblem(body, expected)
      if (status !== 200 || problem !== undefined) this.#fail(`${key}: ${status} ${problem}`)
      looked += 1
    }
    this.#run.count('bodies looked at', looked)
    this.#run.pass(looked)
  }

  /** Bodies that broke off weigh on no quota any more: just what is left may still come. */
  async #judgeRoom(target: BesiegedProcess): Promise<void> {
    await target.limit(roomBytes)
    const { status, body } = await target.put('room', Buffer.alloc(roomBytes, 'room'))
    if (status !== 201) this.#fail(`no room for what a quota leaves: ${status} ${body}`)
    else this.#run.pass()
  }

  async #start(): Promise<BesiegedProcess> {
    this.#starts += 1
    const name = `${this.#name.replaceAll(' ', '-')}-${this.#starts}`
    return await BesiegedProcess.start({ scratch: this.#run.scratch, name, ...this.#server })
  }

  #fail(what: string): void {
    this.#run.fail(`hostile connections, ${this.#name}, seed ${this.#run.seed}: ${what}`)
  }
}

interface Page {
  readonly items: readonly { readonly key: string }[]
  readonly next_cursor: string | null
}

async function keysBelow(target: BesiegedProcess, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = new URLSearchParams({ bucket, prefix, limit: '1000', ...cursorOf(cursor) })
    const { body } = await target.ask('rest', `/api/v2/assets?${query}`)
    const page: Page = JSON.parse(String(body))
    keys.push(...page.items.map(({ key }) => key))
    cursor = page.next_cursor
  }
  return keys
}

function cursorOf(cursor: string): Record<string, string> {
  return cursor === '' ? {} : { cursor }
}
