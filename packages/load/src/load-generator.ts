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
    const onExit = () => reject(new Error('the load process ended'))
    this.#child.once('exit', onExit)
    this.#child.once('message', (reply: Reply) => {
      this.#child.off('exit', onExit)
      if (reply.outcome === undefined) reject(new Error(reply.failure))
      else resolve(reply.outcome)
    })
    this.#child.send(plan)
    return promise
  }

  [Symbol.dispose](): void {
    this.#child.kill()
  }
}
