import { escapeHidden } from '@holdfast/core/escape-hidden.ts'

/** What people read beside the result: always on the error stream. */
export function say(text: string): void {
  process.stderr.write(`holdfast: ${text}\n`)
}

/** A line of the result. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

export function printJson(value: unknown): void {
  print(escapeHidden(JSON.stringify(value)))
}
