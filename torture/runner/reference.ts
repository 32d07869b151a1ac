import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Counts, ProgramResult } from './program.ts'

/** Figures of the newest run of each program that did not fail, kept with the sources. */
export type Reference = readonly Omit<ProgramResult, 'failures' | 'skipped'>[]

export function readReference(file: string): Reference {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
}

/** Puts the figures of these runs in the place of older ones; those of failures are no figures. */
export function updateReference(file: string, results: readonly ProgramResult[]): Reference {
  const byId = new Map(readReference(file).map(result => [result.id, result]))
  for (const { failures, skipped, ...result } of results) {
    if (failures.length === 0 && skipped.length === 0) byId.set(result.id, result)
  }
  const reference = [...byId.values()].sort((a, b) => a.id.localeCompare(b.id))
  writeFileSync(file, `${JSON.stringify(reference, null, 1)}\n`)
  return reference
}

/**
 * The fault table with the figures of the reference in the last column: in full in the first row
 * that a program has, and no word in its other rows.
 */
export function withFigures(markdown: string, reference: Reference): string {
  const told = new Set<string>()
  const lines = markdown.split('\n').map(line => {
    const cells = line.split(' | ')
    const id = /^(T\d\d) `/.exec(cells[2] ?? '')?.[1]
    const result = reference.find(one => one.id === id)
    if (cells.length !== 4 || id === undefined || result === undefined) return line
    const text = told.has(id) ? `see ${id} above` : figuresOf(result)
    told.add(id)
    return `${cells.slice(0, 3).join(' | ')} | ${text} |`
  })
  return lines.join('\n')
}

function figuresOf({ counts, figures, seconds }: Reference[number]): string {
  const all: Counts = { ...counts, ...figures }
  const parts = Object.entries(all).map(([name, value]) => `${name} ${Math.round(value)}`)
  return `${parts.join(', ')}; 0 failures in ${Math.round(seconds)} s`
}
