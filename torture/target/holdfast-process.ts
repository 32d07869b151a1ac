import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export const apiKey = 'torture-administrator-key'

/** The program itself, as it is installed. */
export const program = join(
  import.meta.dirname,
  '..',
  '..',
  'apps',
  'holdfast',
  'bin',
  'holdfast.js',
)
const startMsMax = 120_000
const stopMsMax = 60_000

export interface ServeOptions {
  readonly dataDir: string
  /** Takes what the process prints; on a disk that is not under test. */
  readonly logFile: string
  readonly env?: Readonly<Record<string, string>>
  /** A program that runs the server, with its arguments: strace, prlimit, faketime. */
  readonly under?: readonly string[]
  /** Another copy of the program, such as one with a planted bug. */
  readonly program?: string
}

/** How a server ended: its exit code, or the signal that took it. */
export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** The real `holdfast serve`, on a port of its own choice; it never outlives this process. */
export class HoldfastProcess {
  readonly #child: ChildProcess
  readonly #options: ServeOptions
  readonly #logStart: number
  readonly ended: Promise<Ended>
  #end: Ended | undefined
  url = ''
  /** From the start of the process until the first request could be answered. */
  readyMs = 0

  private constructor(options: ServeOptions) {
    this.#options = options
    this.#logStart = logOf(options.logFile).length
    const log = openSync(options.logFile, 'a')
    const command = [
      ...(options.under ?? []),
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      options.program ?? program,
      'serve',
    ]
    this.#child = spawn(command[0] ?? '', command.slice(1), {
      env: { ...process.env, ...settings(options), ...options.env },
      stdio: ['ignore', log, log],
      // A group of its own: strace and what it runs end together.
      detached: true,
    })
    closeSync(log)
    this.ended = new Promise(resolve => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        this.#end = { code, signal }
        process.off('exit', this.#killGroup)
        resolve(this.#end)
      }
      this.#child.on('error', () => end(127, null))
      this.#child.on('exit', end)
    })
    process.once('exit', this.#killGroup)
  }

  /** Resolves when it takes requests; throws with its last words when it ends before. */
  static async start(options: ServeOptions): Promise<HoldfastProcess> {
    const started = HoldfastProcess.launch(options)
    if (await started.ready()) return started
    await started.kill()
    throw new Error(`the server did not start: ${started.log.slice(-2000)}`)
  }

  /** Starts it and does not wait: for servers that are to die while they start. */
  static launch(options: ServeOptions): HoldfastProcess {
    return new HoldfastProcess(options)
  }

  /** True when it takes requests, false when it ended first or took too long. */
  async ready(msMax = startMsMax): Promise<boolean> {
    const startedAt = performance.now()
    while (this.#end === undefined && performance.now() - startedAt < msMax) {
      const found = /listening on (https?:\S+?),/.exec(this.log)
      if (found !== null) {
        this.url = found[1] ?? ''
        this.readyMs = performance.now() - startedAt
        return true
      }
      await sleep(10)
    }
    return false
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Time on processors so far, of all its threads: what a busy machine does not add to. */
  get cpuMs(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // proc_pid_stat(5): utime and stime, in ticks of a hundredth of a second.
    return (Number(fields[11]) + Number(fields[12])) * 10
  }

  get end(): Ended | undefined {
    return this.#end
  }

  /** What this process printed so far. */
  get log(): string {
    return logOf(this.#options.logFile).slice(this.#logStart)
  }

  /** SIGKILL to it and whatever runs it. */
  async kill(): Promise<Ended> {
    this.#killGroup()
    return await this.ended
  }

  /** SIGTERM, and the wait until it has drained. */
  async stop(): Promise<Ended> {
    if (this.#end === undefined) this.#signal('SIGTERM')
    const timer = setTimeout(this.#killGroup, stopMsMax)
    try {
      return await this.ended
    } finally {
      clearTimeout(timer)
    }
  }

  readonly #killGroup = () => {
    this.#signal('SIGKILL')
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal)
    } catch {
      // Nobody of the group is left.
    }
  }
}

function settings({ dataDir }: ServeOptions): Record<string, string> {
  return {
    STORAGE_HOST: '127.0.0.1',
    STORAGE_PORT: '0',
    STORAGE_DATA_DIR: dataDir,
    STORAGE_BOOTSTRAP_API_KEY: apiKey,
    STORAGE_METRICS_PORT: '0',
    STORAGE_S3_ENABLED: 'off',
    STORAGE_LOG_LEVEL: 'warn',
    STORAGE_GARBAGE_INTERVAL: '0',
  }
}

function logOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
