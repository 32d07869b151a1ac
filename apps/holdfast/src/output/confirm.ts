import { createInterface } from 'node:readline/promises'
import { visible } from './visible.ts'

/** Asks on a terminal; scripts, which have none, are taken at their word. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) return true
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(`${visible(question)} [y/N] `, { signal })
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}
