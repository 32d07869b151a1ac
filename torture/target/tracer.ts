import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Injection {
  /** Name of a system call. */
  readonly call: string
  /** What strace does to it: `signal=KILL`, `error=EIO`, `retval=0`. */
  readonly effect: string
  /** `7`: the 7th in each thread; `7+`: that and all later ones. */
  readonly when: string
}

const detachMsMax = 10_000

export function hasStrace(): boolean {
  return spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0
}

/** strace on a running process and all its threads. */
export class Tracer {
  readonly #child: ChildProcess
  readonly #outFile: string
  readonly ended: Promise<void>

  private constructor(pid: number, { call, effect, when }: Injection, outFile: string) {
    this.#outFile = outFile
    const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:${effect}:when=${when}`]
    this.#child = spawn('strace', ['-f', '-qq', '-o', outFile, ...inject, '-p', String(pid)], {
      stdio: 'ignore',
    })
    this.ended = new Promise(resolve => {
      this.#child.on('error', () => resolve())
      this.#child.on('exit', () => resolve())
    })
  }

  static attach(pid: number, injection: Injection, outFile: string): Tracer {
    return new Tracer(pid, injection, outFile)
  }

  /** How many calls were changed so far. */
  get fired(): number {
    try {
      return readFileSync(this.#outFile, 'utf8').match(/INJECTED|killed by SIGKILL/g)?.length ?? 0
    } catch {
      return 0
    }
  }

  /**
   * Lets go of the process. strace that detaches from a process just as it ends may wait for a
   * thread that waits for strace; the kernel lets go by itself once strace is gone.
   */
  async stop(): Promise<void> {
    this.#child.kill('SIGINT')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), detachMsMax)
    await this.ended
    clearTimeout(timer)
  }
}
