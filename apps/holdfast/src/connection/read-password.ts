import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { say } from '../output/say.ts'
import { UsageError } from '../output/usage-error.ts'

/**
 * From HOLDFAST_PASSWORD, the first line of a pipe, or a terminal that does not show it. Never from
 * an argument: those are in the process list.
 */
export async function readPassword(variable: string, question: string): Promise<string> {
  const given = process.env[variable]
  if (given !== undefined && given !== '') return given
  const isTerminal = process.stdin.isTTY === true
  if (isTerminal) say(question)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: silent, terminal: isTerminal })
  try {
    for await (const line of lines) {
      if (line !== '') return line
      break
    }
  } finally {
    lines.close()
  }
  throw new UsageError(`a password is needed: set ${variable}, or pipe it in`)
}
