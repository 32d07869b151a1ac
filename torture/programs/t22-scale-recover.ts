import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { openStore } from '@holdfast/drivers/open.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { putAsset } from '@holdfast/engine/assets/put.ts'
import { ensureBuckets, openEngine, systemCall } from '@holdfast/engine/engine.ts'
import { bodyProblem, bodySource, makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import type { Program, Run } from '../runner/program.ts'
import { apiKey, HoldfastProcess } from '../target/holdfast-process.ts'
import { RestDoor } from '../target/rest-door.ts'

const objects = { short: 20_000, long: 1_000_000 }
const writers = 64
const sizeOf = (n: number) => 100 + (n % 900)
const keyOf = (n: number) => `dir ${n % 100}/object ${String(n).padStart(7, '0')}`
const readyMsMax = 5000
const pageMsMax = 100
const verifySeconds = { short: 240, long: 900 }

export const program: Program = {
  id: 'T22',
  name: 'scale-recover',
  summary: 'a full store is killed under load; it starts at once and has everything',
  secondsMax: { short: 300, long: 5400 },
  minimum: {
    short: { objects: 20_000, kills: 3, pages: 60, samples: 500 },
    long: { objects: 1_000_000, kills: 3, pages: 3000, samples: 500 },
  },
  lane: 'alone in long runs',
  async run(run) {
    const dataDir = join(run.scratch, 'data')
    await fill(run, dataDir)
    const serve = { dataDir, logFile: join(run.scratch, 'server.log') }
    for (let kill = 0; kill < 3; kill += 1) {
      const server = await HoldfastProcess.start(serve)
      judgeStart(run, `start ${kill + 1}`, server)
      await killUnderLoad(run, server, kill)
    }
    const server = await HoldfastProcess.start(serve)
    judgeStart(run, 'last start', server)
    await checkAll(run, server)
    await server.stop()
    for (const end of ['', '-wal', '-shm']) rmSync(`${dataDir}/catalog.db${end}`, { force: true })
    const rebuilt = await HoldfastProcess.start({ ...serve })
    run.figure('start without catalog, ms', rebuilt.readyMs)
    await checkSamples(run, rebuilt)
    await rebuilt.stop()
  },
}

async function fill(run: Run, dir: string): Promise<void> {
  const store = await openStore({
    dir,
    transactionsUrl: import.meta.resolve('@holdfast/engine/transactions.ts'),
  })
  try {
    const { catalog, element } = store
    const engine = openEngine({ catalog, element, clock: systemClock, random: cryptoRandom })
    await ensureBuckets(engine, ['holdfast'])
    const call = systemCall('fill')
    let next = 0
    const write = async () => {
      while (next < objects[run.length] && !run.signal.aborted) {
        const n = next
        next += 1
        await putAsset(engine, call, {
          bucket: 'holdfast',
          key: keyOf(n),
          mode: 'replace',
          service: 'torture',
          ownerId: '0199d0c0-0000-7000-8000-000000000001',
          source: bodySource(n + 1, sizeOf(n)),
        })
        run.count('objects')
      }
    }
    await Promise.all(Array.from({ length: writers }, write))
  } finally {
    await store.close()
  }
}

/** By its time on processors: the wall clock also measures who else is at work. */
function judgeStart(run: Run, what: string, server: HoldfastProcess): void {
  const { cpuMs, readyMs } = server
  run.figure(`${what}, ms`, readyMs)
  if (cpuMs <= readyMsMax) run.pass()
  else run.fail(`${what}: ${cpuMs} ms on processors until ready, ${readyMsMax} are allowed`)
}

/** Acknowledged writes must be there after the next start; they are looked at then. */
async function killUnderLoad(run: Run, server: HoldfastProcess, kill: number): Promise<void> {
  using door = new RestDoor(server.url)
  const untilMs = performance.now() + 1500
  const write = async (writer: number) => {
    for (let n = 0; performance.now() < untilMs + 1000; n += 1) {
      const key = `kill ${kill}/${writer}`
      const body = makeBody(5_000_000 + kill * 1000 + writer, 1000 + n)
      const { status } = await door.ask({ method: 'PUT', path: door.pathOf(key), body })
      if (status === 0) return
    }
  }
  const writing = Promise.all(Array.from({ length: 16 }, (_, writer) => write(writer)))
  await new Promise(resolve => setTimeout(resolve, 1500))
  await server.kill()
  run.count('kills')
  await writing
}

interface Page {
  readonly items: readonly { readonly key: string }[]
  readonly total: number
  readonly next_cursor: string | null
}

async function checkAll(run: Run, server: HoldfastProcess): Promise<void> {
  using door = new RestDoor(server.url)
  // The first answers of a process are those of a cold machine.
  for (let i = 0; i < 5; i += 1) await door.json('/api/v2/buckets/holdfast/assets?limit=1000')
  const pages: number[] = []
  const cpuBefore = server.cpuMs
  const keys = new Set<string>()
  for (const limit of [1000, 500]) {
    let cursor = ''
    for (;;) {
      const beganMs = performance.now()
      const query = `limit=${limit}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
      const page = await door.json<Page>(`/api/v2/buckets/holdfast/assets?${query}`)
      pages.push(performance.now() - beganMs)
      run.count('pages')
      for (const { key } of page.items) keys.add(key)
      if (page.next_cursor === null) break
      cursor = page.next_cursor
    }
  }
  const cpuEach = (server.cpuMs - cpuBefore) / pages.length
  let missing = 0
  for (let n = 0; n < objects[run.length]; n += 1) if (!keys.has(keyOf(n))) missing += 1
  if (missing > 0) run.fail(`${missing} keys are not listed`)
  else run.pass()
  pages.sort((a, b) => a - b)
  const p99 = pages[Math.floor(pages.length * 0.99)] ?? 0
  run.figure('page p50, ms', pages[Math.floor(pages.length / 2)] ?? 0)
  run.figure('page p99, ms', p99)
  run.figure('processor time of a page, ms', cpuEach)
  if (cpuEach > pageMsMax) run.fail(`a page takes ${cpuEach} ms, ${pageMsMax} are allowed`)
  await checkSamples(run, server)
  await verify(run, server)
}

async function checkSamples(run: Run, server: HoldfastProcess): Promise<void> {
  using door = new RestDoor(server.url)
  for (let i = 0; i < 500; i += 1) {
    const n = run.random.below(objects[run.length])
    const { status, body } = await door.get(door.pathOf(keyOf(n)))
    const problem = bodyProblem(body, { operation: n + 1, length: sizeOf(n) })
    if (status !== 200 || problem !== undefined) run.fail(`${keyOf(n)}: ${status} ${problem}`)
    else run.pass()
    run.count('samples')
  }
}

/** The door's own patience is shorter than a verification of many objects may take. */
async function verify(run: Run, server: HoldfastProcess): Promise<void> {
  const beganMs = performance.now()
  const response = await fetch(`${server.url}/api/v2/admin/verify`, {
    method: 'POST',
    headers: { 'x-api-key': apiKey },
    signal: AbortSignal.timeout(verifySeconds[run.length] * 1000),
  })
  const report: { ok: boolean; checked_blobs: number } = JSON.parse(await response.text())
  run.figure('verify, s', (performance.now() - beganMs) / 1000)
  if (!report.ok || report.checked_blobs < objects[run.length] - 1) {
    run.fail(`verify: ${JSON.stringify(report).slice(0, 300)}`)
  } else run.pass()
}
