import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { bodyProblem, makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import { lasting } from '../runner/lasting.ts'
import { slowdown } from '../runner/machine-load.ts'
import type { Program, Run } from '../runner/program.ts'
import { HoldfastProcess } from '../target/holdfast-process.ts'
import { RestDoor } from '../target/rest-door.ts'

const connections = { short: 1000, long: 2000 }
const seconds = { short: 20, long: 1800 }
/** Each client rests so long on the average: a crowd of people, not of load generators. */
const restMs = 1500
const bodyBytes = 64 * 1024
/** Distinct bodies are made once; every client writes some of them to keys of its own. */
const bodies = Array.from({ length: 64 }, (_, n) => makeBody(n + 1, bodyBytes))
/** So few that a quick server is over it all the time, also while its clients share its cores. */
const requestsMax = 24
const overloadSeconds = 5
const refusedMin = { short: 100, long: 1000 }
const answersMin = 1000
/** Requests of one crowd; a third of them are puts, and never less than one in eight. */
const requestsMin = { short: 4000, long: 200_000 }
const rssBytesMax = 1024 ** 3
const settleSeconds = 60

export const program: Program = {
  id: 'T17',
  name: 'crowd',
  summary: 'a thousand connections, then three times what the server takes at once',
  secondsMax: { short: 300, long: 2400 },
  minimum: {
    short: { gets: 2000, puts: 1000, refused: refusedMin.short, 'overload answers': 1000 },
    long: { gets: 300_000, puts: 80_000, refused: refusedMin.long },
  },
  lane: 'alone in long runs',
  async run(run) {
    await crowd(run)
    await overload(run)
  },
}

interface Crowd {
  readonly run: Run
  readonly door: RestDoor
  readonly latenciesMs: number[]
  readonly goesOn: () => boolean
}

async function crowd(run: Run): Promise<void> {
  const server = await serve(run, 'crowd', {})
  using door = new RestDoor(server.url, { sockets: connections[run.length] })
  const latenciesMs: number[] = []
  const first = await wave(run, { server, door, latenciesMs })
  const second = await wave(run, { server, door, latenciesMs })
  judgeTimes(run, latenciesMs, await eventLoopLag(door))
  const highest = Math.max(first.highest, second.highest)
  run.figure('RSS highest, MB', highest / 1e6)
  run.figure('RSS after each wave, MB', second.after / 1e6)
  if (highest > rssBytesMax) run.fail(`RSS grew to ${highest} bytes`)
  // What the first crowd left is kept for the next; a second one of the same size needs no more.
  if (second.after > first.after * 1.1 + 32e6) {
    run.fail(`RSS is ${second.after} after the second crowd, ${first.after} after the first`)
  } else run.pass()
  // The crowd goes home: its connections are closed, and nothing of them may stay open.
  door[Symbol.dispose]()
  await judgeFiles(run, server.pid)
  await stop(run, server)
}

interface Wave {
  readonly server: HoldfastProcess
  readonly door: RestDoor
  readonly latenciesMs: number[]
}

async function wave(
  run: Run,
  { server, door, latenciesMs }: Wave,
): Promise<{ readonly highest: number; readonly after: number }> {
  const count = connections[run.length]
  const enough = latenciesMs.length + requestsMin[run.length]
  const goesOn = lasting(run, seconds[run.length] / 2, () => latenciesMs.length >= enough)
  const all: Crowd = { run, door, latenciesMs, goesOn }
  let highest = 0
  const watching = (async () => {
    while (goesOn()) {
      highest = Math.max(highest, rssOf(server.pid))
      await sleep(500)
    }
  })()
  const clients = Array.from({ length: count }, (_, n) => client(all, n, run.random.fork(n)))
  await Promise.all([...clients, watching])
  await sleep(3000)
  return { highest, after: rssOf(server.pid) }
}

function judgeTimes(run: Run, latenciesMs: number[], lagSeconds: number): void {
  latenciesMs.sort((a, b) => a - b)
  const p99 = latenciesMs[Math.floor(latenciesMs.length * 0.99)] ?? 0
  run.figure('p50, ms', latenciesMs[Math.floor(latenciesMs.length / 2)] ?? 0)
  run.figure('p99, ms', p99)
  run.figure('event loop p99, ms', lagSeconds * 1000)
  const slower = slowdown()
  run.figure('slowdown of the machine', slower)
  // Beside others on the same cores these are no judgement: a short run tells them.
  if (run.length === 'short') return
  if (p99 > 1000 * slower) run.fail(`p99 is ${Math.round(p99)} ms, 1000 are allowed`)
  if (!(lagSeconds < 0.2 * slower)) {
    run.fail(`the event loop was late by ${lagSeconds} s (p99), 0.2 are allowed`)
  }
}

async function judgeFiles(run: Run, pid: number): Promise<void> {
  const count = () => readdirSync(`/proc/${pid}/fd`).length
  let open = count()
  for (let waited = 0; open > connections.short / 10 && waited < settleSeconds; waited += 1) {
    await sleep(1000)
    open = count()
  }
  run.figure('open files after', open)
  if (open > connections.short / 10) run.fail(`${open} files are open ${settleSeconds} s after`)
  else run.pass()
}

async function serve(
  run: Run,
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<HoldfastProcess> {
  const logFile = join(run.scratch, `${name}.log`)
  return await HoldfastProcess.start({ dataDir: join(run.scratch, name), logFile, env })
}

async function stop(run: Run, server: HoldfastProcess): Promise<void> {
  const { code } = await server.stop()
  if (code !== 0) run.fail(`the server ended with ${code}: ${server.log.slice(-500)}`)
}

async function client(all: Crowd, n: number, random: SeededRandom): Promise<void> {
  const { run, door, latenciesMs, goesOn } = all
  const written = new Map<string, number>()
  await sleep(random.below(restMs))
  while (goesOn()) {
    const key = `crowd/${n}/${random.below(2)}`
    const known = written.get(key)
    const path = door.pathOf(key)
    const beganMs = performance.now()
    if (known === undefined || random.chance(0.2)) {
      const body = random.below(bodies.length)
      const { status, code } = await door.ask({ method: 'PUT', path, body: bodies[body]! })
      if (status === 200 || status === 201) written.set(key, body)
      else run.fail(`PUT ${key}: ${status} ${code}`)
      run.count('puts')
    } else {
      const { status, code, body } = await door.get(path)
      const problem = bodyProblem(body, { operation: known + 1, length: bodyBytes })
      if (status !== 200) run.fail(`GET ${key}: ${status} ${code}`)
      else if (problem !== undefined) run.fail(`${key}: ${problem}`)
      else run.pass()
      run.count('gets')
    }
    latenciesMs.push(performance.now() - beganMs)
    await sleep(restMs / 2 + random.below(restMs))
  }
}

/** Three times as many requests as may be at work: whole answers, or a refusal that says when. */
async function overload(run: Run): Promise<void> {
  const server = await serve(run, 'overload', {
    STORAGE_MAX_CONCURRENT_REQUESTS: String(requestsMax),
  })
  using door = new RestDoor(server.url, { sockets: 3 * requestsMax })
  let refused = 0
  let answered = 0
  const isEnough = () => refused >= refusedMin[run.length] && answered >= answersMin
  const pressing = lasting(run, overloadSeconds, isEnough)
  const press = async (n: number) => {
    const random = run.random.fork(n)
    while (pressing()) {
      const body = random.below(bodies.length)
      const path = door.pathOf(`over/${n}`)
      const { status, code, headers } = await door.ask({ method: 'PUT', path, body: bodies[body]! })
      run.count('overload answers')
      answered += 1
      if (status === 200 || status === 201) run.pass()
      else if (status !== 503 && status !== 429) run.fail(`PUT in overload: ${status} ${code}`)
      else if (!(Number(headers['retry-after']) > 0)) run.fail(`${status} without Retry-After`)
      else {
        run.pass()
        run.count('refused')
        refused += 1
        await sleep(10)
      }
    }
  }
  await Promise.all(Array.from({ length: 3 * requestsMax }, (_, n) => press(n)))
  const { status } = await door.get('/health/ready')
  if (status !== 200) run.fail(`not ready after the overload: ${status}`)
  await stop(run, server)
}

async function eventLoopLag(door: RestDoor): Promise<number> {
  const { body } = await door.get('/metrics')
  return Number(/^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(String(body))?.[1])
}

function rssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0)
}
