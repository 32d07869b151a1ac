import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CrashLab } from '@holdfast/testkit/store/crash-runs.ts'
import { prepare } from '@holdfast/testkit/store/crash-runs.ts'
import {
  type FaultKind,
  sweepFaults,
  sweepKillThenCut,
} from '@holdfast/testkit/store/fault-runs.ts'
import { workloads } from '@holdfast/testkit/store/workloads.ts'
import { newLab, strict } from '../crash-disk/store-lab.ts'
import { CrashDay, someTime } from '../load/crash-day.ts'
import { failDevice } from '../load/device-errors.ts'
import type { Program, Run } from '../runner/program.ts'
import type { HoldfastProcess } from '../target/holdfast-process.ts'
import { hasStrace, type Injection, Tracer } from '../target/tracer.ts'

/** Each is tried at the n-th disk call for all n; in short runs at one of so many. */
const kinds: Readonly<Record<string, FaultKind & { readonly oneOf: number }>> = {
  'EIO once': { code: 'EIO', options: {}, oneOf: 4 },
  'EIO for good': { code: 'EIO', options: { persistent: true }, oneOf: 9 },
  'ENOSPC once': { code: 'ENOSPC', options: {}, oneOf: 5 },
  'ENOSPC for good': {
    code: 'ENOSPC',
    options: { persistent: true, of: ['create', 'write', 'makeDir', 'link'] },
    oneOf: 3,
  },
  'EDQUOT for good': {
    code: 'EDQUOT',
    options: { persistent: true, of: ['create', 'write', 'makeDir', 'link'] },
    oneOf: 6,
  },
  'EINTR once': { code: 'EINTR', options: {}, oneOf: 7 },
  'EMFILE once': { code: 'EMFILE', options: { of: ['create', 'open', 'list'] }, oneOf: 2 },
  'EROFS for good': {
    code: 'EROFS',
    options: {
      persistent: true,
      of: ['create', 'write', 'makeDir', 'link', 'rename', 'remove', 'truncate'],
    },
    oneOf: 5,
  },
  'failed reads': { code: 'EIO', options: { of: ['read'] }, oneOf: 4 },
}

/** On the real process, SQLite included. strace skips the call, so short writes are not here. */
const injections: readonly Injection[] = [
  { call: 'fdatasync', effect: 'error=EIO', when: '2' },
  { call: 'fdatasync', effect: 'error=EIO', when: '3+' },
  { call: 'fdatasync', effect: 'error=ENOSPC', when: '2' },
  { call: 'fsync', effect: 'error=EIO', when: '1' },
  { call: 'pwrite64', effect: 'error=EIO', when: '7' },
  { call: 'pwrite64', effect: 'error=EIO', when: '20+' },
  { call: 'pwrite64', effect: 'error=ENOSPC', when: '9' },
  { call: 'pwrite64', effect: 'error=ENOSPC', when: '5+' },
  // SQLite knows only ENOSPC for a full disk: for the catalog a quota is a failed write.
  { call: 'pwrite64', effect: 'error=EDQUOT', when: '9' },
  { call: 'pwrite64', effect: 'error=EDQUOT', when: '5+' },
  { call: 'pwrite64', effect: 'error=EINTR', when: '4' },
  { call: 'pwrite64', effect: 'error=EROFS', when: '6+' },
  { call: 'openat', effect: 'error=EMFILE', when: '2' },
  { call: 'openat', effect: 'error=EMFILE', when: '1+' },
  { call: 'link', effect: 'error=EIO', when: '1' },
  { call: 'unlink', effect: 'error=EIO', when: '1+' },
  { call: 'mkdir', effect: 'error=ENOSPC', when: '1+' },
]

const rounds = { short: 1, long: 40 }
const hangMsMax = 5000
const requestsPerFault = 150
const attachMs = 700
const firingMsMax = 10_000

export const program: Program = {
  id: 'T05',
  name: 'fault-sweep',
  summary: 'the n-th disk call fails, once or for good: every answer stays honest, nothing hangs',
  secondsMax: { short: 600, long: 7200 },
  minimum: {
    short: {
      'faults that came': 400,
      kills: 60,
      disks: 900,
      injections: 8,
      acknowledged: 300,
    },
    long: {
      'faults that came': 10_000,
      kills: 400,
      disks: 20_000,
      injections: 300,
    },
  },
  mounts: true,
  async run(run) {
    for (const [name, workload] of Object.entries(workloads)) await sweep(run, name, workload)
    if (hasStrace()) await injectAll(run)
    else run.skip('faults of the real process', 'strace is not installed')
    run.part('a device that fails')
    await failDevice(run)
  },
}

async function sweep(run: Run, name: string, workload: (typeof workloads)[string]): Promise<void> {
  const random = run.random.fork(5)
  for (const [kindName, kind] of Object.entries(kinds)) {
    run.part(`${kindName}, ${name}`)
    await attempt(run, `${kindName}, ${name}`, async lab => {
      const crash = { workload, disk: strict, prepared: await prepare(lab, strict) }
      const oneOf = run.length === 'short' ? kind.oneOf : 1
      const tally = await sweepFaults(lab, crash, { random, disksPerCut: 1, oneOf, kind })
      run.count('faults that came', tally.fired)
      run.count(kindName, tally.fired)
      run.count('disks', tally.disks)
      run.pass(tally.fired)
    })
  }
  run.part(`KILL, ${name}`)
  await attempt(run, `KILL, ${name}`, async lab => {
    const crash = { workload, disk: strict, prepared: await prepare(lab, strict) }
    const oneOf = run.length === 'short' ? 5 : 1
    const tally = await sweepKillThenCut(lab, crash, { random, disksPerCut: 2, oneOf })
    run.count('kills', tally.kills)
    run.count('disks', tally.disks)
    run.pass(tally.kills)
  })
}

async function attempt(run: Run, what: string, act: (lab: CrashLab) => Promise<void>) {
  using lab = newLab()
  let before = process.cpuUsage()
  const watched: CrashLab = {
    fresh: () => lab.fresh(),
    leftovers: disk => lab.leftovers(disk),
    async open(disk, catalog) {
      // Between two openings lies one case: a workload and its check. Time on a processor, since
      // a busy machine is no hang; who waits for ever meets the budget.
      const { user, system } = process.cpuUsage(before)
      const spentMs = (user + system) / 1000
      if (spentMs > hangMsMax) run.fail(`${what}: a case took ${spentMs} ms`)
      before = process.cpuUsage()
      return await lab.open(disk, catalog)
    },
  }
  try {
    await act(watched)
  } catch (error) {
    run.fail(`${what}: ${error instanceof Error ? error.message : error}`)
  }
}

async function injectAll(run: Run): Promise<void> {
  const dataDir = join(run.scratch, 'data')
  using day = new CrashDay(run, { dataDir, clients: 8, keysEach: 6 })
  await day.prepare()
  try {
    for (let round = 0; round < rounds[run.length]; round += 1) {
      for (const injection of injections) {
        if (run.signal.aborted || !(await injectOnce(run, day, injection))) return
      }
    }
    await day.lookInside('at the end', true)
  } finally {
    day.finish()
  }
}

/** The fault comes under load and goes again; then the server is alive, or ended to recover. */
async function injectOnce(run: Run, day: CrashDay, injection: Injection): Promise<boolean> {
  const what = `${injection.call} ${injection.effect} at ${injection.when}`
  run.part(what)
  day.history.mark('inject', { ...injection })
  let server = await day.start()
  const tracer = Tracer.attach(server.pid, injection, join(run.scratch, 'strace.out'))
  await day.workUntil(server, async () => {
    await untilFired(day, server, tracer)
    await tracer.stop()
    await someTime(server, 300)
  })
  if (tracer.fired > 0) run.count('injections')
  const { end } = server
  if (end === undefined) {
    // The fault is gone: what is still alive must work, without a restart.
    const taken = await day.probe(server)
    if (taken !== undefined) run.fail(`${what}: afterwards a put was not taken: ${taken}`)
    run.count('survived')
    await server.stop()
  } else {
    run.count('ended to recover')
    if (end.code !== 70) run.fail(`${what}: the server ended with ${JSON.stringify(end)}`)
  }
  if (/unhandled/i.test(server.log)) run.fail(`${what}: unhandled rejection, see the log`)
  server = await day.start()
  const held = await day.look(server, what)
  await server.stop()
  await sleep(0)
  return held
}

/** The fault has time to do harm once it came; some calls come seldom, and some never. */
async function untilFired(day: CrashDay, server: HoldfastProcess, tracer: Tracer): Promise<void> {
  const enough = day.history.begun + requestsPerFault
  for (let waited = 0; waited < firingMsMax && server.end === undefined; waited += 50) {
    if (tracer.fired > 0) break
    // It is attached by then: what does not call in so many requests will not.
    if (waited > attachMs && day.history.begun >= enough) break
    await sleep(50)
  }
  await someTime(server, 300)
}
