import { once } from 'node:events'
import { inspect } from 'node:util'
import { escapeHidden } from '@holdfast/core/escape-hidden.ts'
import { visible } from './visible.ts'

/** What people read beside the result: always on the error stream, and always one line. */
export function say(text: string): void {
  process.stderr.write(`holdfast: ${visible(text)}\n`)
}

/** With all that is known of it, in lines that pass for none of `say`. */
export function sayTrace(error: unknown): void {
  for (const line of inspect(error).split('\n')) process.stderr.write(`  ${visible(line)}\n`)
}

/** A line of the result; whatever a server put into it, a terminal shows it and obeys nothing. */
export function print(line: string): void {
  printContent(visible(line))
}

/** As it is, with all its lines: only for what is known to fool no terminal, or goes to none. */
export function printContent(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** The same of something long, no faster than it is taken. */
export async function printPieces(
  pieces: AsyncIterable<Uint8Array | string>,
  signal: AbortSignal,
): Promise<void> {
  for await (const piece of pieces) {
    if (!process.stdout.write(piece)) await once(process.stdout, 'drain', { signal })
  }
}

export function printJson(value: unknown): void {
  printContent(escapeHidden(JSON.stringify(value)))
}
