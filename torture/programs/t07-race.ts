import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { bodyProblem, makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import { garbageFire } from '../race/garbage-fire.ts'
import { type KeyRead, type KeyWrite, registerProblems } from '../race/register-check.ts'
import { lasting } from '../runner/lasting.ts'
import type { Program, Run } from '../runner/program.ts'
import { HoldfastProcess } from '../target/holdfast-process.ts'
import { RestDoor } from '../target/rest-door.ts'

const keys = ['a', 'b/c', 'd', 'e f']
const clients = 32
const seconds = { short: 40, long: 1500 }
/** Half of them are reads, two in five are writes. */
const operationsMin = { short: 20_000, long: 1_000_000 }
const collectionsMin = { short: 10, long: 300 }
const fireSeconds = { short: 15, long: 300 }

export const program: Program = {
  id: 'T07',
  name: 'race',
  summary: 'clients race on few keys while garbage collection, compaction and verification run',
  secondsMax: { short: 240, long: 2400 },
  minimum: {
    short: { reads: 8000, writes: 6000, operations: 20_000, collections: 10, verifications: 2 },
    long: { reads: 400_000, writes: 300_000, operations: 1_000_000, collections: 300 },
  },
  async run(run) {
    await raceOnKeys(run)
    await garbageFire(run, fireSeconds[run.length])
  },
}

interface KeyHistory {
  readonly key: string
  readonly writes: KeyWrite[]
  readonly reads: KeyRead[]
}

interface Race {
  readonly run: Run
  readonly door: RestDoor
  readonly histories: readonly KeyHistory[]
  readonly goesOn: () => boolean
  operations: number
  lastValue: number
}

async function raceOnKeys(run: Run): Promise<void> {
  const server = await HoldfastProcess.start({
    dataDir: join(run.scratch, 'data'),
    logFile: join(run.scratch, 'server.log'),
    env: { STORAGE_GARBAGE_GRACE: '1', STORAGE_GARBAGE_INTERVAL: '1' },
  })
  using door = new RestDoor(server.url, { sockets: clients + 2 })
  const histories = keys.map(key => ({ key, writes: [], reads: [] }))
  const isEnough = () => race.operations >= operationsMin[run.length]
  const goesOn = lasting(run, seconds[run.length], isEnough)
  const race: Race = { run, door, histories, goesOn, operations: 0, lastValue: 0 }
  const racing = Array.from({ length: clients }, (_, n) => raceClient(race, run.random.fork(n)))
  await Promise.all([...racing, collectAgain(race), verifyAgain(race)])
  for (const history of histories) await readKey(race, history)
  for (const { key, writes, reads } of histories) {
    const problems = registerProblems(writes, reads)
    for (const { problem, read } of problems.slice(0, 5)) {
      run.fail(`${key} ${problem} (read from ${read.beganMs} to ${read.endedMs} ms)`)
    }
    run.pass(reads.length - problems.length)
  }
  const { code } = await server.stop()
  if (code !== 0) run.fail(`the server ended with ${code}: ${server.log.slice(-500)}`)
}

async function raceClient(race: Race, random: SeededRandom): Promise<void> {
  while (race.goesOn()) {
    const history = random.pick(race.histories)
    const dice = random.fraction()
    if (dice < 0.5) await readKey(race, history)
    else if (dice < 0.9) await writeKey(race, history, random)
    else await removeKey(race, history, random)
    race.run.count('operations')
    race.operations += 1
  }
}

async function readKey({ run, door }: Race, history: KeyHistory): Promise<void> {
  const beganMs = performance.now()
  const { status, code, body, headers } = await door.get(door.pathOf(history.key))
  const endedMs = performance.now()
  run.count('reads')
  if (status === 404) {
    history.reads.push({ beganMs, endedMs, value: 0 })
    return
  }
  if (status !== 200) {
    run.fail(`GET ${history.key}: ${status} ${code}`)
    return
  }
  const label = body.length >= 8 ? body.readUInt32LE(4) : 0
  const problem = bodyProblem(body, { operation: label, length: body.length })
  if (problem !== undefined) run.fail(`${history.key}: ${problem}`)
  if (Number(headers['content-length']) !== body.length) run.fail(`${history.key}: cut short`)
  history.reads.push({ beganMs, endedMs, value: label })
}

async function writeKey(race: Race, history: KeyHistory, random: SeededRandom): Promise<void> {
  race.lastValue += 1
  const value = race.lastValue
  const size = random.chance(0.02) ? 262_145 + random.below(100_000) : 16 + random.below(6000)
  const refused = random.chance(0.1)
  const beganMs = performance.now()
  const { outcome, status, code } = await race.door.ask({
    method: 'PUT',
    path: race.door.pathOf(history.key),
    body: makeBody(value, size),
    // A condition that no content meets: what is refused may never be seen.
    headers: refused ? { 'if-match': `"${'0'.repeat(64)}"` } : {},
  })
  const endedMs = outcome === 'unknown' ? Number.POSITIVE_INFINITY : performance.now()
  history.writes.push({ value, beganMs, endedMs, outcome })
  race.run.count('writes')
  // The key changed hands too often while this waited: refused, and honest about it.
  if (code === 'CHANGED_MEANWHILE') race.run.count('gave way')
  else if (refused ? status !== 412 && status !== 404 : outcome !== 'ok') {
    race.run.fail(
      `PUT ${history.key}${refused ? ' with a false condition' : ''}: ${status} ${code}`,
    )
  }
}

async function removeKey(race: Race, history: KeyHistory, random: SeededRandom): Promise<void> {
  const hard = random.chance(0.7) ? '?hard_delete=true' : ''
  const beganMs = performance.now()
  const { outcome, status, code } = await race.door.ask({
    method: 'DELETE',
    path: `${race.door.pathOf(history.key)}${hard}`,
  })
  const endedMs = outcome === 'unknown' ? Number.POSITIVE_INFINITY : performance.now()
  history.writes.push({ value: 0, beganMs, endedMs, outcome })
  race.run.count('deletes')
  if (outcome !== 'ok' && status !== 404) race.run.fail(`DELETE ${history.key}: ${status} ${code}`)
}

async function collectAgain(race: Race): Promise<void> {
  const least = collectionsMin[race.run.length]
  for (let n = 0; race.goesOn() || (n < least && !race.run.signal.aborted); n += 1) {
    const { status, body } = await race.door.ask({
      method: 'POST',
      path: '/api/v2/admin/collect-garbage',
    })
    if (status === 200) race.run.count('collections')
    else race.run.fail(`collect-garbage: ${status} ${body}`)
    await sleep(150)
  }
}

interface Verified {
  readonly ok: boolean
  readonly missing: readonly object[]
  readonly damaged: readonly object[]
}

async function verifyAgain(race: Race): Promise<void> {
  for (let n = 0; race.goesOn() || (n < 2 && !race.run.signal.aborted); n += 1) {
    const { status, body, code } = await race.door.ask({
      method: 'POST',
      path: '/api/v2/admin/verify',
    })
    if (status === 200) {
      const report: Verified = JSON.parse(String(body))
      if (!report.ok) race.run.fail(`verify: ${String(body).slice(0, 500)}`)
      race.run.count('verifications')
    } else race.run.fail(`verify: ${status} ${code}`)
    await sleep(1000)
  }
}
