import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const startMsMax = 30_000
const stopMsMax = 60_000
const logCharsShown = 2000

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Takes what the process prints. */
  readonly logFile: string
  /** Answers 200 as soon as the server is ready. */
  readonly readyUrl: string
}

/** A server as a child process; it never outlives this one. */
export class ServerProcess {
  readonly #child: ChildProcess
  readonly #command: Command

  private constructor(command: Command) {
    const log = openSync(command.logFile, 'a')
    this.#command = command
    this.#child = spawn(command.file, command.args, {
      env: { ...process.env, ...command.env },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#child.on('error', () => {})
    process.once('exit', this.#kill)
  }

  static async start(command: Command): Promise<ServerProcess> {
    const started = new ServerProcess(command)
    await started.#ready()
    return started
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Ends it without a word, as a power cut would, but for the kernel's memory. */
  async kill(): Promise<void> {
    process.off('exit', this.#kill)
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await closed
  }

  async stop(): Promise<void> {
    process.off('exit', this.#kill)
    if (this.#ended()) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopMsMax)
    await closed
    clearTimeout(timer)
  }

  readonly #kill = () => {
    this.#child.kill('SIGKILL')
  }

  #ended(): boolean {
    const { exitCode, signalCode, pid } = this.#child
    return pid === undefined || exitCode !== null || signalCode !== null
  }

  async #ready(): Promise<void> {
    const endAt = performance.now() + startMsMax
    while (!(await isOk(this.#command.readyUrl))) {
      const late = performance.now() > endAt
      if (late || this.#ended()) {
        await this.stop()
        const log = readFileSync(this.#command.logFile, 'utf8').slice(-logCharsShown)
        throw new Error(`${this.#command.file} ${late ? 'is not ready' : 'ended'}: ${log}`)
      }
      await sleep(50)
    }
  }
}

async function isOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url)
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
