import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import type { Run } from '../runner/program.ts'
import { apiKey, HoldfastProcess, program, type ServeOptions } from '../target/holdfast-process.ts'
import { RestDoor } from '../target/rest-door.ts'
import { S3Door } from '../target/s3-door.ts'
import { OtherDoors, type Written } from './other-doors.ts'

const kills = { short: 5, long: 200 }
const bucket = 'doors'
const pair = { id: 'TORTUREKEY0000000001', secret: 'torture-secret-0123456789abcdefghij' }
const s3Clients = 4
const partBytes = 5 * 1024 * 1024
const treeFiles = 12

/** A tree of files for `holdfast put`, and what was asked of the store for it. */
interface LocalTree {
  readonly dir: string
  readonly prefix: string
  readonly files: readonly Written[]
}

/**
 * SIGKILL of the server, and of the program on the command line, while objects come in through S3
 * (whole and in parts) and by `holdfast put`. What either said is stored is there afterwards; a
 * tree that was cut off is completed by `holdfast put --sync`.
 */
export async function killBehindOtherDoors(run: Run): Promise<void> {
  const scratch = join(run.scratch, 'doors')
  mkdirSync(scratch)
  const options: ServeOptions = {
    dataDir: join(scratch, 'data'),
    logFile: join(scratch, 'server.log'),
    env: {
      NODE_COMPILE_CACHE: join(run.scratch, 'compiled'),
      STORAGE_S3_ENABLED: 'on',
      STORAGE_S3_PORT: '0',
      STORAGE_BOOTSTRAP_S3_ACCESS_KEY_ID: pair.id,
      STORAGE_BOOTSTRAP_S3_SECRET_ACCESS_KEY: pair.secret,
    },
  }
  const day = new DoorDay(run, scratch)
  for (let kill = 1; kill <= kills[run.length] && !run.signal.aborted; kill += 1) {
    const server = await HoldfastProcess.start(options)
    try {
      if (!(await day.look(server, `doors, kill ${kill}`))) return
      await day.workUntilKilled(server)
      run.count('kills behind S3 and CLI')
    } finally {
      await server.kill()
    }
  }
  const server = await HoldfastProcess.start(options)
  try {
    await day.complete(server)
    await day.look(server, 'doors, at the end')
  } finally {
    await server.stop()
  }
  run.count('acknowledged by S3 and CLI', day.doors.acknowledged)
}

class DoorDay {
  readonly doors = new OtherDoors()
  readonly #run: Run
  readonly #scratch: string
  readonly #cut: LocalTree[] = []
  #made = 0

  constructor(run: Run, scratch: string) {
    this.#run = run
    this.#scratch = scratch
  }

  async look(server: HoldfastProcess, what: string): Promise<boolean> {
    using rest = new RestDoor(server.url, { bucket })
    using s3 = new S3Door(s3UrlOf(server), { pair, bucket })
    await rest.ask({ method: 'POST', path: '/api/v2/buckets', json: { name: bucket } })
    const { problems, looked } = await this.doors.look(rest, s3)
    for (const problem of problems) this.#run.fail(`${what}: ${problem}`)
    this.#run.count('keys looked at', looked)
    this.#run.pass(looked + 1)
    return problems.length === 0
  }

  /** By what was answered and not by the time, so that a slow machine does as much. */
  async workUntilKilled(server: HoldfastProcess): Promise<void> {
    const { random } = this.#run
    using s3 = new S3Door(s3UrlOf(server), { pair, bucket })
    const enough = this.doors.acknowledged + 20 + random.below(40)
    const ended = { is: false }
    const working = [
      ...Array.from({ length: s3Clients }, (_, n) => this.#overS3(s3, n, ended)),
      this.#trees(server, ended, 'finish'),
      this.#trees(server, ended, 'kill'),
    ]
    while (this.doors.acknowledged < enough && server.end === undefined) await sleep(5)
    await server.kill()
    ended.is = true
    await Promise.all(working)
    for (const refused of s3.refusals) this.#run.fail(`S3 refused: ${refused}`)
  }

  async #overS3(s3: S3Door, client: number, ended: { is: boolean }): Promise<void> {
    const random = this.#run.random.fork(client + this.#made * 10)
    while (!ended.is) {
      const old = random.chance(0.2) ? this.doors.pick(random, `s3-${client}-`) : undefined
      if (old !== undefined) {
        this.doors.told(old.key, 'open')
        const outcome = await s3.remove(old.key)
        if (outcome !== 'unknown') this.doors.told(old.key, outcome === 'ok' ? 'gone' : 'there')
        if (outcome === 'unknown') return
        continue
      }
      const inParts = random.chance(0.1)
      const size = inParts ? partBytes + random.below(9000) : random.below(70_000)
      const written = this.doors.begin(`s3-${client}-${this.#number()}`, size)
      const bytes = makeBody(written.body, size)
      const outcome = inParts
        ? await s3.putParts(written.key, [bytes.subarray(0, partBytes), bytes.subarray(partBytes)])
        : await s3.put(written.key, bytes)
      if (outcome === 'ok' && inParts) this.#run.count('objects in parts')
      if (outcome !== 'unknown') this.doors.told(written.key, outcome === 'ok' ? 'there' : 'gone')
      if (outcome === 'unknown') return
    }
  }

  /** One tree after the other; with `kill` the program is cut off at some moment. */
  async #trees(server: HoldfastProcess, ended: { is: boolean }, how: 'finish' | 'kill') {
    while (!ended.is && server.end === undefined) {
      const tree = this.#tree()
      const cli = this.#put(server, tree)
      // Some are killed before they begin, others after they are done.
      if (how === 'kill') {
        await Promise.race([sleep(200 + this.#run.random.below(1500)), exitOf(cli)])
        cli.kill('SIGKILL')
      }
      const code = await exitOf(cli)
      if (code === 0) {
        this.#stored(tree)
        rmSync(tree.dir, { recursive: true })
      } else {
        if (how === 'kill') this.#run.count('kills of the CLI')
        this.#cut.push(tree)
      }
    }
  }

  /** What was cut off goes on with `--sync`, as often as it must. */
  async complete(server: HoldfastProcess): Promise<void> {
    for (const tree of this.#cut.splice(0)) {
      const code = await exitOf(this.#put(server, tree, '--sync'))
      if (code === 0) this.#stored(tree)
      else this.#run.fail(`holdfast put --sync of ${tree.prefix} ended with ${code}`)
      this.#run.count('trees completed')
    }
  }

  #stored({ files }: LocalTree): void {
    for (const { key } of files) this.doors.told(key, 'there')
  }

  #tree(): LocalTree {
    const prefix = `cli-${this.#number()}`
    const dir = join(this.#scratch, prefix)
    mkdirSync(dir)
    const files = Array.from({ length: treeFiles }, (_, at) => {
      const size = this.#run.random.below(at === 0 ? 900_000 : 20_000)
      const written = this.doors.begin(`${prefix}/f${at}`, size)
      writeFileSync(join(dir, `f${at}`), makeBody(written.body, size))
      return written
    })
    return { dir, prefix, files }
  }

  #put(server: HoldfastProcess, { dir, prefix }: LocalTree, ...more: string[]): ChildProcess {
    const args = ['put', dir, '--prefix', prefix, '--bucket', bucket, '--no-progress', ...more]
    return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
      env: { ...process.env, HOLDFAST_URL: server.url, HOLDFAST_API_KEY: apiKey },
      stdio: 'ignore',
    })
  }

  #number(): number {
    this.#made += 1
    return this.#made
  }
}

function s3UrlOf({ log }: HoldfastProcess): string {
  const url = /S3 (?:on|at) (http:\S+?),/.exec(log)?.[1]
  if (url === undefined) throw new RangeError(`no S3 door: ${log}`)
  return url
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  return await new Promise(resolve => {
    child.on('error', () => resolve(127))
    child.on('exit', code => resolve(code))
  })
}
