import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Program } from './program.ts'

const dir = join(import.meta.dirname, '..', 'programs')

/** All programs, or those named by number or name; a name that fits none is an error. */
export async function findPrograms(only: readonly string[] = []): Promise<Program[]> {
  const inside = readdirSync(dir, { recursive: true, encoding: 'utf8' })
  const files = inside.filter(file => /^t\d\d-[a-z0-9-]+\.ts$/.test(basename(file)))
  const all: Program[] = []
  for (const file of files.sort((a, b) => basename(a).localeCompare(basename(b)))) {
    const { program }: { program: Program } = await import(join(dir, file))
    const expected = `${program.id.toLowerCase()}-${program.name}.ts`
    if (basename(file) !== expected) throw new Error(`programs/${file} should be ${expected}`)
    all.push(program)
  }
  for (const text of only) {
    if (!all.some(program => isNamed(program, text))) throw new Error(`no program ${text}`)
  }
  if (only.length === 0) return all
  return all.filter(program => only.some(text => isNamed(program, text)))
}

function isNamed({ id, name }: Program, text: string): boolean {
  return [id.toLowerCase(), name].includes(text.toLowerCase())
}
