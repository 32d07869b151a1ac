import { CommanderError } from 'commander'
import { isInterrupted } from './connection/interrupt.ts'
import { failureText } from './output/failure-text.ts'
import { say, sayTrace } from './output/say.ts'
import { UsageError } from './output/usage-error.ts'
import { buildProgram } from './program.ts'

/** Exit codes: 0 done, 1 failed, 2 called wrongly, 70 the store failed, 128 + n by a signal. */
export async function run(args: readonly string[]): Promise<number> {
  const program = buildProgram()
  try {
    await program.parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (isInterrupted()) {
      say('interrupted')
      return 130
    }
    say(failureText(error))
    if (program.opts<{ debug?: boolean }>().debug === true) sayTrace(error)
    return error instanceof UsageError ? 2 : 1
  }
}
