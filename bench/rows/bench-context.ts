import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import type { LoadGenerator } from '@holdfast/load/load-generator.ts'
import type { LoadOutcome, LoadPlan } from '@holdfast/load/load-plan.ts'
import type { Server, StartOptions, StartServer } from '../servers/server.ts'
import type { Mode } from './mode.ts'

const deadlineMs = 15 * 60_000

/** What every row needs. */
export interface BenchContext {
  readonly mode: Mode
  /** On the file system that is measured; all servers write below it. */
  readonly dir: string
  readonly generator: LoadGenerator
  readonly startSubject: StartServer
  readonly startPeer: StartServer
  readonly profileDir: string | undefined
  say(line: string): void
}

export interface Started<Kind extends Server = Server> extends AsyncDisposable {
  readonly server: Kind
}

let directories = 0

/** Starts a server in a directory of its own, which goes away with it. */
export async function startIn<Kind extends Server>(
  context: BenchContext,
  start: (options: StartOptions) => Promise<Kind>,
  profiled = false,
): Promise<Started<Kind>> {
  directories += 1
  const dir = join(context.dir, `server-${directories}`)
  mkdirSync(dir, { recursive: true })
  const profile = profiled ? context.profileDir : undefined
  const options: StartOptions = { dir, profileDir: profile }
  const server = await start(options)
  return {
    server,
    async [Symbol.asyncDispose]() {
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Runs a plan against a server. */
export function load(
  context: BenchContext,
  server: Server,
  plan: Pick<LoadPlan, 'connections' | 'traffic' | 'until'>,
): Promise<LoadOutcome> {
  return context.generator.run({
    ...plan,
    port: server.port,
    deadlineMs,
    serverPids: server.pids(),
  })
}

/** Nobody's unwritten bytes shall burden the next run. */
export function settleDisk(context: BenchContext): void {
  spawnSync('sync', ['-f', context.dir])
}

export function freeBytes(context: BenchContext): number {
  const { bavail, bsize } = statfsSync(context.dir)
  return bavail * bsize
}
