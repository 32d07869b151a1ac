import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { say } from '../output/say.ts'
import { UsageError } from '../output/usage-error.ts'
import { interruptSignal } from './interrupt.ts'

/**
 * From the variable, the next line of a pipe, or a terminal that does not show it. Never from an
 * argument: those are in the process list.
 */
export async function readPassword(variable: string, question: string): Promise<string> {
  const given = process.env[variable]
  if (given !== undefined && given !== '') return given
  const line = process.stdin.isTTY === true ? await typedLine(question) : await pipedLine()
  if (line !== undefined && line !== '') return line
  throw new UsageError(`${question} set ${variable}, or pipe it in`)
}

async function typedLine(question: string): Promise<string | undefined> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const input = { input: process.stdin, signal: interruptSignal() }
  const lines = createInterface({ ...input, output: silent, terminal: true })
  try {
    // Only now: the terminal shows what is typed until the line above.
    say(question)
    for await (const line of lines) return line
  } finally {
    lines.close()
  }
  return undefined
}

let piped: AsyncIterator<string> | undefined

/** One reader for all questions: the next one would miss what the first took from the pipe. */
async function pipedLine(): Promise<string | undefined> {
  const { stdin } = process
  piped ??= createInterface({ input: stdin, signal: interruptSignal() })[Symbol.asyncIterator]()
  if ('ref' in stdin) stdin.ref()
  try {
    const { value, done } = await piped.next()
    return done === true ? undefined : value
  } finally {
    // A pipe that stays open keeps no process alive while nothing is asked.
    if ('unref' in stdin) stdin.unref()
  }
}
