import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bodyProblem, makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import type { Program, Run } from '../runner/program.ts'
import { apiKey, HoldfastProcess } from '../target/holdfast-process.ts'
import { RestDoor } from '../target/rest-door.ts'

const libraries = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
]
/** Where the wall clock stands against the true time; the monotonic clock is never touched. */
const jumps = ['-1h', '+1d', '+400d', '+0', '-400d', '+2h', '+0']
const hours: Readonly<Record<string, number>> = {
  '-1h': -1,
  '+1d': 24,
  '+400d': 9600,
  '+0': 0,
  '-400d': -9600,
  '+2h': 2,
}
const rounds = { short: 1, long: 70 }
const secondsPerJump = 4
const clients = 8

export const program: Program = {
  id: 'T19',
  name: 'clock',
  summary: 'the wall clock jumps under load; nothing is collected, and what expires stays expired',
  secondsMax: { short: 200, long: 1800 },
  minimum: {
    short: { jumps: 7, 'refused collections': 5, 'expired refused': 6, writes: 200, pruned: 1 },
    long: { jumps: 490, 'refused collections': 300, 'expired refused': 300, writes: 10_000 },
  },
  async run(run) {
    const library = libraries.find(path => existsSync(path))
    if (library === undefined) {
      run.skip('clock', 'libfaketime is not installed (Debian package faketime)')
      return
    }
    await jumpAbout(run, library)
  },
}

interface Scene {
  readonly run: Run
  readonly door: RestDoor
  /** What each client last wrote to its keys, by key. */
  readonly written: Map<string, number>
  /** Link and key made at the true time, good for one hour. */
  readonly link: string
  readonly shortKey: string
  readonly pruned: string
  lastBody: number
}

async function jumpAbout(run: Run, library: string): Promise<void> {
  const clock = join(run.scratch, 'clock')
  writeFileSync(clock, '+0')
  const server = await HoldfastProcess.start({
    dataDir: join(run.scratch, 'data'),
    logFile: join(run.scratch, 'server.log'),
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  })
  using door = new RestDoor(server.url, { sockets: clients + 2 })
  const scene: Scene = { run, door, written: new Map(), lastBody: 0, ...(await prepare(door)) }
  for (let round = 0; round < rounds[run.length] && !run.signal.aborted; round += 1) {
    for (const jump of jumps) {
      writeFileSync(clock, jump)
      await sleep(50)
      run.count('jumps')
      const untilMs = performance.now() + secondsPerJump * 1000
      const working = Array.from({ length: clients }, (_, n) => work(scene, n, untilMs))
      await Promise.all([...working, judgeJump(scene, jump)])
    }
  }
  writeFileSync(clock, '+0')
  await prune(scene, true)
  await checkAll(scene)
  const { code } = await server.stop()
  if (code !== 0) run.fail(`the server ended with ${code}: ${server.log.slice(-500)}`)
}

async function prepare(door: RestDoor) {
  for (let n = 0; n < 12; n += 1) {
    const path = door.pathOf(`dead ${n}`)
    await door.ask({ method: 'PUT', path, body: makeBody(900_000 + n, 1000 + n) })
    await door.ask({ method: 'DELETE', path: `${path}?hard_delete=true` })
  }
  let id = ''
  for (let n = 0; n < 6; n += 1) {
    const body = makeBody(800_000 + n, 700)
    const { body: told } = await door.ask({ method: 'PUT', path: door.pathOf('pruned'), body })
    id = JSON.parse(String(told)).id
  }
  const asked = `/api/v2/assets/${id}/presigned-url?expiration=3600`
  const link = await door.json<{ url: string }>(asked)
  const expiresAt = new Date(Date.now() + 3600_000).toISOString()
  const key = { name: 'short', permissions: ['assets:read'], expires_at: expiresAt }
  const shortKey = await made(door, '/api/v2/keys', key)
  return { link: link.url, shortKey: String(shortKey.key ?? shortKey.secret), pruned: id }
}

async function made(
  door: RestDoor,
  path: string,
  json: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const { status, body } = await door.ask({ method: 'POST', path, json })
  if (status !== 200 && status !== 201) throw new Error(`POST ${path}: ${status} ${body}`)
  return JSON.parse(String(body))
}

/** One client puts and reads keys that only it writes. */
async function work(scene: Scene, client: number, untilMs: number): Promise<void> {
  const { run, door, written } = scene
  for (let n = 0; performance.now() < untilMs; n += 1) {
    const key = `client ${client}/${n % 4}`
    scene.lastBody += 1
    const body = scene.lastBody
    const put = await door.ask({ method: 'PUT', path: door.pathOf(key), body: makeBody(body, 900) })
    if (put.outcome === 'ok') written.set(key, body)
    else run.fail(`PUT ${key}: ${put.status} ${put.code}`)
    run.count('writes')
    await checkKey(scene, key)
    await sleep(20)
  }
}

async function checkKey({ run, door, written }: Scene, key: string): Promise<void> {
  const { status, body, code } = await door.get(door.pathOf(key))
  const problem = bodyProblem(body, { operation: written.get(key) ?? 0, length: 900 })
  if (status !== 200) run.fail(`GET ${key}: ${status} ${code}`)
  else if (problem !== undefined) run.fail(`${key}: ${problem}`)
  else run.pass()
}

async function judgeJump(scene: Scene, jump: string): Promise<void> {
  const { run, door } = scene
  const away = hours[jump] ?? 0
  for (let n = 0; n < 3; n += 1) {
    const { status, body } = await door.ask({
      method: 'POST',
      path: '/api/v2/admin/collect-garbage',
    })
    const told = JSON.parse(String(body))
    // Nothing here has been dead for the day of grace in true time.
    if (status !== 200 || told.removed_blobs !== 0)
      run.fail(`collection at ${jump}: ${status} ${body}`)
    else if (away !== 0 && told.stopped === null) run.fail(`collection at ${jump} saw no jump`)
    else if (away !== 0) run.count('refused collections')
    await sleep(300)
  }
  await judgeExpiry(scene, jump, away)
  await prune(scene, false)
}

/** Link and key were good for an hour: later they are refused, and never anything but refused. */
async function judgeExpiry({ run, door, link, shortKey }: Scene, jump: string, away: number) {
  const linked = await door.get(new URL(link).pathname + new URL(link).search, { 'x-api-key': '' })
  const { status } = await door.get('/api/v2/assets?limit=1', { 'x-api-key': shortKey })
  if (away > 1) {
    if (linked.status < 400) run.fail(`an expired link opens at ${jump}: ${linked.status}`)
    else run.count('expired refused')
    if (status !== 401) run.fail(`an expired key opens at ${jump}: ${status}`)
    else run.count('expired refused')
  } else if (away === 0) {
    if (status !== 200) run.fail(`a key that is good is refused at ${jump}: ${status}`)
    else run.count('valid accepted')
  }
}

/** By true time no version is a day old, whatever the wall clock says. */
async function prune({ run, door, pruned }: Scene, byNumber: boolean): Promise<void> {
  const path = `/api/v2/assets/${pruned}/versions/prune`
  const json = byNumber ? { keep: 5 } : { older_than_days: 1 }
  const { status, body } = await door.ask({ method: 'POST', path, json })
  const found = JSON.parse(String(body))
  const count = Number(found.pruned_count ?? found.pruned?.length ?? 0)
  if (byNumber) run.count('pruned', count)
  else if (status === 200 && count > 0) run.fail(`${count} young versions were pruned by a jump`)
  else run.pass()
}

async function checkAll(scene: Scene): Promise<void> {
  for (const key of scene.written.keys()) await checkKey(scene, key)
  const report = await made(scene.door, '/api/v2/admin/verify', {})
  if (report.ok !== true) scene.run.fail(`verify: ${JSON.stringify(report).slice(0, 300)}`)
  const dead = await deadBlobs(scene.door)
  if (dead < 12) scene.run.fail(`only ${dead} of the 12 dead blobs are left`)
  else scene.run.pass()
}

async function deadBlobs(door: RestDoor): Promise<number> {
  const { body } = await door.get('/metrics', { 'x-api-key': apiKey })
  return Number(/^storage_blobs\{state="dead"\} (\d+)/m.exec(String(body))?.[1] ?? 0)
}
