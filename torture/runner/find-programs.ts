import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Program } from './program.ts'

const dir = join(import.meta.dirname, '..', 'programs')

/** All programs, or those named by number or name; a name that fits none is an error. */
export async function findPrograms(only: readonly string[] = []): Promise<Program[]> {
  const files = readdirSync(dir).filter(file => /^t\d\d-[a-z0-9-]+\.ts$/.test(file))
  const all: Program[] = []
  for (const file of files.sort()) {
    const { program }: { program: Program } = await import(join(dir, file))
    const expected = `${program.id.toLowerCase()}-${program.name}.ts`
    if (file !== expected) throw new Error(`programs/${file} should be ${expected}`)
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
