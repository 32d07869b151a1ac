import { spawn } from 'node:child_process'

/** Runs a test file in a process of its own; resolves with its TAP output. */
export function runSuite(file: string, pattern: string, mutant: string): Promise<string> {
  // The parent's own test context must not reach the child.
  const { NODE_TEST_CONTEXT: _, HOLDFAST_TEST_CACHE: compiled, ...env } = process.env
  const cacheEnv = compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled }
  const options = ['--disable-warning=ExperimentalWarning', '--test-reporter=tap']
  const args = [...options, `--test-name-pattern=${pattern}`, file]
  const child = spawn(process.execPath, args, {
    env: { ...env, ...cacheEnv, HOLDFAST_TEST_MUTANT: mutant },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', chunk => chunks.push(chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve(Buffer.concat(chunks).toString()))
  })
}

/** How many tests of a TAP output failed, and that the run itself did not. */
export function failedTests(output: string): number {
  const [, failed] = /^# fail (\d+)$/m.exec(output) ?? []
  if (failed === undefined || /ERR_MODULE|RangeError|SyntaxError/.test(output)) {
    throw new Error(`the run broke: ${output.slice(-2000)}`)
  }
  return Number(failed)
}
