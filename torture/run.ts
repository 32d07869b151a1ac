// The torture suite: `npm run torture -- --short`. Each program tries to break a promise of the
// store and ends with its own `N passed, N failed` (cases); the last line counts the programs.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findPrograms } from './runner/find-programs.ts'
import { parseOptions, type TortureOptions, usage } from './runner/options.ts'
import { updateReference, withFigures } from './runner/reference.ts'
import { verdictOf, writeResults } from './runner/results.ts'
import { runLanes } from './runner/run-lanes.ts'

async function main(): Promise<void> {
  let options: TortureOptions
  try {
    options = parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    process.exitCode = 2
    return
  }
  const programs = await findPrograms(options.only)
  if (options.list) {
    for (const { id, name, summary } of programs) console.log(`${id} ${name}: ${summary}`)
    return
  }
  const results = await runLanes(programs, options)
  const file = writeResults(join(import.meta.dirname, 'results'), results)
  console.log(`results: ${file}`)
  if (options.reference) {
    const kept = updateReference(join(import.meta.dirname, 'results', 'reference.json'), results)
    const table = join(import.meta.dirname, '..', 'docs', 'testing.md')
    writeFileSync(table, withFigures(readFileSync(table, 'utf8'), kept))
  }
  const count = { ok: 0, FAIL: 0, skip: 0 }
  for (const result of results) count[verdictOf(result)] += 1
  const skipped = count.skip > 0 ? `, ${count.skip} skipped` : ''
  console.log(`\n${count.ok} passed, ${count.FAIL} failed${skipped}`)
  process.exitCode = count.FAIL > 0 || results.length === 0 ? 1 : 0
}

await main()
