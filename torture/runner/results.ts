import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Counts, Program, ProgramResult } from './program.ts'

const failureCharsMax = 4000

export type Verdict = 'ok' | 'FAIL' | 'skip'

/** A program that could run no part at all is skipped; with one failure it failed. */
export function verdictOf(result: ProgramResult): Verdict {
  if (result.failures.length > 0) return 'FAIL'
  return result.passed === 0 && result.skipped.length > 0 ? 'skip' : 'ok'
}

export function describeResult(program: Program, result: ProgramResult, output: string): string {
  const { id, name, seed, commit, seconds, passed, failures, skipped, replay } = result
  const verdict = verdictOf(result)
  const lines = [
    `${verdict.padEnd(4)} ${id} ${name}: ${program.summary}`,
    `     seed ${seed}, commit ${commit}, ${result.length}, ${seconds} s`,
    `     ${textOf(result.counts)}`,
  ]
  if (Object.keys(result.figures).length > 0) lines.push(`     ${textOf(result.figures)}`)
  for (const reason of skipped) lines.push(`     skipped: ${reason}`)
  for (const failure of failures) lines.push(`   - ${failure.slice(0, failureCharsMax)}`)
  if (failures.length > 0 && output !== '') lines.push(indent(output.trimEnd()))
  lines.push(`     again: ${replay}`)
  lines.push(`     ${passed} passed, ${failures.length} failed`, '')
  return `${lines.join('\n')}\n`
}

/** Keeps all results of a run; answers the path of the file. */
export function writeResults(dir: string, results: readonly ProgramResult[]): string {
  mkdirSync(dir, { recursive: true })
  const startedAt = new Date().toISOString().replaceAll(':', '-').replace(/\..*$/, '')
  const file = join(dir, `${startedAt}.json`)
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`)
  return file
}

function textOf(counts: Counts): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${count}`)
  return parts.length === 0 ? 'nothing was counted' : parts.join(', ')
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '     | ')
}
