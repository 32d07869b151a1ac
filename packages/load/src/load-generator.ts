import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { LoadOutcome, LoadPlan } from './load-plan.ts'

interface Reply {
  readonly outcome?: LoadOutcome
  readonly failure?: string
}

/** The parent's end of the load process. One plan at a time. */
export class LoadGenerator {
  readonly #child: ChildProcess

  constructor() {
    const execArgv = ['--disable-warning=ExperimentalWarning']
    this.#child = fork(join(import.meta.dirname, 'load-process.ts'), { execArgv })
  }

  run(plan: LoadPlan): Promise<LoadOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<LoadOutcome>()
    const child = this.#child
    const over = (): void => {
      child.off('exit', ended).off('message', answered)
    }
    const ended = (): void => {
      over()
      reject(new Error('the load process ended'))
    }
    const answered = (reply: Reply): void => {
      over()
      if (reply.outcome === undefined) reject(new Error(reply.failure))
      else resolve(reply.outcome)
    }
    child.on('exit', ended).on('message', answered)
    // A channel that is closed already is told here; nobody else would take that error.
    child.send(plan, error => {
      if (error !== null) ended()
    })
    return promise
  }

  [Symbol.dispose](): void {
    this.#child.kill()
  }
}
