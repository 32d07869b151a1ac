import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'

/** The program as people run it: in processes of its own. */

export const adminKey = 'hf_program-tests-administrator-0123456789'
const main = join(import.meta.dirname, 'main.ts')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  output(): { stdout: string; stderr: string }
}

export interface RunOptions {
  readonly env?: Record<string, string>
  readonly cwd?: string
  /** What the program can read; the pipe stays open. */
  readonly input?: (stdin: NodeJS.WritableStream) => void
}

const quietEnv = { STORAGE_METRICS_PORT: '0', STORAGE_RESERVED_SPACE: '0', NO_COLOR: '1' }
/** As the installed program keeps what it compiled: most of a short command is that. */
const compiled = process.env.HOLDFAST_TEST_CACHE
const cacheEnv = compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled }

/** Nothing of the environment of the tests' own run reaches the program. */
function environment(extra: Record<string, string> = {}): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: tmpdir(), ...quietEnv, ...cacheEnv, ...extra }
}

export function start(args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(process.execPath, [main, ...args], {
    env: environment(options.env),
    cwd: options.cwd ?? tmpdir(),
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  assert.ok(child.stdout !== null && child.stderr !== null)
  if (child.stdin !== null) options.input?.(child.stdin)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return { process: child, ended, output: () => ({ stdout, stderr }) }
}

export async function run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return await start(args, options).ended
}

/** A directory that is gone after the test. */
export function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-cli-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export interface ServerUnderTest {
  readonly url: string
  readonly port: number
  readonly running: Running
  /** Runs a command against this server. */
  holdfast(...args: string[]): Promise<Ended>
  start(...args: string[]): Running
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

export async function startServer(
  t: TestContext,
  dataDir: string,
  options: { port?: number; env?: Record<string, string> } = {},
): Promise<ServerUnderTest> {
  const env = { STORAGE_BOOTSTRAP_API_KEY: adminKey, ...options.env }
  const args = ['serve', '--data-dir', dataDir, '--port', String(options.port ?? 0)]
  const running = start(args, { env })
  t.after(() => running.process.kill('SIGKILL'))
  const url = await listening(running)
  const clientEnv = { HOLDFAST_URL: url, HOLDFAST_API_KEY: adminKey }
  return {
    url,
    port: Number(new URL(url).port),
    running,
    holdfast: async (...args) => await run(args, { env: clientEnv }),
    start: (...args) => start(args, { env: clientEnv }),
    stop: async (signal = 'SIGTERM') => {
      running.process.kill(signal)
      return await running.ended
    },
  }
}

async function listening(running: Running): Promise<string> {
  const ended = running.ended.then(({ code, stderr }) => {
    throw new Error(`the server ended with ${code}: ${stderr}`)
  })
  ended.catch(() => {})
  const found = until(() => /listening on (http:\/\/\S+),/.exec(running.output().stderr)?.[1])
  return await Promise.race([found, ended])
}

/** Asks again and again until there is an answer. */
export async function until<T>(ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 3000; tries += 1) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error('it did not come about within a minute')
}

export function succeeded(ended: Ended): Ended {
  assert.equal(ended.code, 0, `${ended.stdout}\n${ended.stderr}`)
  return ended
}

/** Path below the directory to SHA-256 of the bytes, of every file. */
export function digestsOf(dir: string): Record<string, string> {
  // A file may be called __proto__.
  const digests: Record<string, string> = Object.create(null)
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    digests[path.slice(dir.length + 1)] = createHash('sha256')
      .update(readFileSync(path))
      .digest('hex')
  }
  return digests
}

if (import.meta.main) {
  test('the program starts and says its version', async () => {
    assert.match(succeeded(await run(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/)
  })
}
