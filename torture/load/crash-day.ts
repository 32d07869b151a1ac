import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { HistoryFile } from '../oracle/history-file.ts'
import { lookInside } from '../oracle/look-inside.ts'
import { lookThroughDoor } from '../oracle/look-through-door.ts'
import type { Run } from '../runner/program.ts'
import { HoldfastProcess, type ServeOptions } from '../target/holdfast-process.ts'
import { RestDoor } from '../target/rest-door.ts'
import { DoorClients } from './door-clients.ts'

export interface CrashDayOptions {
  readonly dataDir: string
  readonly clients: number
  readonly keysEach: number
  readonly env?: Readonly<Record<string, string>>
  readonly program?: string
}

/** Promise I13 says 3 s; this machine may be busy with other work. */
const readyMsMax = 20_000
/** A tenth of it is what clients see when nothing fails. */
/** A hang, not a slow disk: other work on the same machine can hold a sync up for seconds. */
const answerMsMax = 30_000

/**
 * The real server under clients, crashed again and again: what was told is written down outside of
 * the store, and after each start everything is held against it.
 */
export class CrashDay implements Disposable {
  readonly history: HistoryFile
  readonly clients: DoorClients
  readonly #run: Run
  readonly #options: CrashDayOptions
  readonly #logFile: string
  #readyMsMost = 0
  #surprises = 0

  constructor(run: Run, options: CrashDayOptions) {
    this.#run = run
    this.#options = options
    this.#logFile = join(run.scratch, 'server.log')
    this.history = new HistoryFile(join(run.scratch, 'history.jsonl'))
    const { clients, keysEach } = options
    const { history } = this
    this.clients = new DoorClients({ clients, keysEach, history, random: run.random.fork(1) })
  }

  serveOptions(under: readonly string[] = []): ServeOptions {
    const { dataDir, env, program } = this.#options
    return {
      dataDir,
      logFile: this.#logFile,
      under,
      env: { NODE_COMPILE_CACHE: join(this.#run.scratch, 'compiled'), ...env },
      ...(program === undefined ? {} : { program }),
    }
  }

  /** Makes the store and leaves it in order; afterwards starts are twice as fast. */
  async prepare(): Promise<void> {
    const server = await HoldfastProcess.start(this.serveOptions())
    await server.stop()
  }

  async start(under: readonly string[] = []): Promise<HoldfastProcess> {
    const server = await HoldfastProcess.start(this.serveOptions(under))
    this.#readyMsMost = Math.max(this.#readyMsMost, server.readyMs)
    if (server.readyMs > readyMsMax) this.#run.fail(`ready only after ${server.readyMs} ms`)
    return server
  }

  /** Everything through the door; problems are failures of the run. */
  async look(server: HoldfastProcess, what: string): Promise<boolean> {
    using door = new RestDoor(server.url)
    const { keys } = this.clients
    const problems = await lookThroughDoor(keys, { door, random: this.#run.random })
    for (const problem of problems) this.#run.fail(`${what}: ${problem}`)
    this.#run.count('keys looked at', keys.size)
    this.#run.pass(keys.size)
    return problems.length === 0
  }

  /** Lets the clients work until `crash` is over and the server has ended. */
  async workUntil(server: HoldfastProcess, crash: () => Promise<void>): Promise<void> {
    using door = new RestDoor(server.url)
    const stop = new AbortController()
    const working = this.clients.work(door, stop.signal)
    await crash()
    stop.abort()
    await working
    this.#tellSurprises()
  }

  /** Looks at the records and the bytes without a server. */
  async lookInside(what: string, collect = false): Promise<void> {
    const { problems, blobs } = await lookInside(this.#options.dataDir, { collect })
    for (const problem of problems) this.#run.fail(`${what}, inside: ${problem}`)
    this.#run.count('blobs verified', blobs)
    this.#run.pass()
  }

  /** Puts until one is taken; why not, when none is in that time. */
  async probe(server: HoldfastProcess, msMax: number): Promise<string | undefined> {
    using door = new RestDoor(server.url, { bucket: 'probe' })
    const made = await door.ask({
      method: 'POST',
      path: '/api/v2/buckets',
      json: { name: 'probe' },
    })
    const endAt = performance.now() + msMax
    let told = `${made.status} ${made.code}`
    while (performance.now() < endAt) {
      if (server.end !== undefined) return `the server ended, ${told}`
      const body = Buffer.alloc(5000, 1)
      const answer = await door.ask({ method: 'PUT', path: door.pathOf('probe'), body })
      if (answer.outcome === 'ok') return undefined
      told = `${answer.status} ${answer.code}`
      await sleep(50)
    }
    return told
  }

  /** No request may have waited longer: a hang is a failure of its own. */
  #tellSlow(): void {
    const { slowestMs } = this.history
    if (slowestMs > answerMsMax) this.#run.fail(`an answer took ${Math.round(slowestMs)} ms`)
    this.#run.figure('slowest answer ms', slowestMs)
  }

  #tellSurprises(): void {
    const { surprises } = this.clients
    for (const text of surprises.slice(this.#surprises)) this.#run.fail(`refused: ${text}`)
    this.#surprises = surprises.length
    for (const [code, times] of this.clients.refusals) this.#run.figure(`refused ${code}`, times)
    this.#tellSlow()
  }

  finish(): void {
    this.#run.count('acknowledged', this.history.acknowledged)
    this.#run.count('requests', this.history.begun)
    this.#run.figure('slowest start ms', this.#readyMsMost)
  }

  [Symbol.dispose](): void {
    this.history[Symbol.dispose]()
  }
}

/** Ends early when the server does. */
export async function someTime(server: HoldfastProcess, ms: number): Promise<void> {
  await Promise.race([sleep(ms), server.ended])
}
