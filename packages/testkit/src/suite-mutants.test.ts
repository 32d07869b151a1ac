import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { elementMutants } from './mutants/element-mutants.ts'

/** A suite that cannot fail proves nothing: each of these broken drivers must be noticed. */
const mutants: [mutant: string, noticedBy: string][] = [
  ['disk: short-writes', 'D3'],
  ['disk: replacing-link', 'D2'],
  ['disk: no-truncate', 'truncate cuts'],
  ...Object.keys(elementMutants).map(name => {
    const [promise] = /^E\d|^\w+/.exec(name) ?? []
    return [`element: ${name}`, promise ?? name] satisfies [string, string]
  }),
]

describe('every suite notices a broken driver', { concurrency: 2 }, () => {
  for (const [mutant, noticedBy] of mutants) {
    test(`${mutant} is noticed by ${noticedBy}`, async () => {
      const output = await runUnder(mutant, noticedBy)
      const [, failed] = /^# fail (\d+)$/m.exec(output) ?? []
      assert.ok(Number(failed) > 0, `nobody noticed: ${output.slice(-500)}`)
      assert.doesNotMatch(output, /ERR_MODULE|RangeError/)
    })
  }
})

function runUnder(mutant: string, pattern: string): Promise<string> {
  const fixture = join(import.meta.dirname, 'mutants', 'suite-under-mutant.ts')
  // The parent's own test context must not reach the child.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const options = ['--disable-warning=ExperimentalWarning', '--test-reporter=tap']
  const args = [...options, `--test-name-pattern=${pattern}`, fixture]
  const child = spawn(process.execPath, args, {
    env: { ...env, HOLDFAST_TEST_MUTANT: mutant },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', chunk => chunks.push(chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve(Buffer.concat(chunks).toString()))
  })
}
