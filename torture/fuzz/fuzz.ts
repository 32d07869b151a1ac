import { Session } from 'node:inspector'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import type { FuzzTarget } from './fuzz-target.ts'
import { mutate } from './mutate.ts'

const batch = 200
/** Of a batch that reached something new, so many inputs join the corpus. */
const keptPerBatch = 8
const corpusMax = 2000
const hangMs = 100
const retainedGrowthMax = 64 * 1024 * 1024
const problemsMax = 3

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/**
 * What is still held. RSS would count what the allocator keeps of memory that was given back;
 * memory outside the heap is let go only some turns after its owner was collected.
 */
async function retainedBytes(): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 4; round += 1) {
    collectGarbage()
    await new Promise(resolve => setTimeout(resolve, 20))
    const { heapUsed, external } = process.memoryUsage()
    least = Math.min(least, heapUsed + external)
  }
  return least
}

export interface FuzzTally {
  readonly execs: number
  /** Inputs that reached branches which none before had reached. */
  readonly found: number
  readonly branches: number
  readonly problems: readonly string[]
}

/** Runs mutated seeds for a while; inputs of batches that reach new branches join the seeds. */
export async function fuzz(
  target: FuzzTarget,
  { random, ms }: { readonly random: SeededRandom; readonly ms: number },
): Promise<FuzzTally> {
  using coverage = new Coverage(target.modules)
  const corpus = [...target.seeds]
  const words = target.words ?? []
  const problems: string[] = []
  const untilMs = performance.now() + ms
  let execs = 0
  let found = 0
  for (const seed of target.seeds) await runOne(target, seed, problems)
  await coverage.takesNew()
  const before = await retainedBytes()
  while (performance.now() < untilMs && problems.length < problemsMax) {
    const inputs: Uint8Array[] = []
    for (let i = 0; i < batch && problems.length < problemsMax; i += 1) {
      const input = mutate(random.pick(corpus), { corpus, words, random })
      inputs.push(input)
      await runOne(target, input, problems)
      execs += 1
    }
    if (!(await coverage.takesNew()) || corpus.length >= corpusMax) continue
    for (let i = 0; i < keptPerBatch; i += 1) corpus.push(random.pick(inputs))
    found += 1
  }
  const growth = (await retainedBytes()) - before
  if (growth > retainedGrowthMax) problems.push(`${growth} bytes are kept after ${execs} inputs`)
  return { execs, found, branches: coverage.size, problems }
}

async function runOne(target: FuzzTarget, input: Uint8Array, problems: string[]): Promise<void> {
  const beganMs = performance.now()
  const problem = await attempt(target, input)
  if (problem !== undefined) problems.push(`${problem}; input ${show(input)}`)
  // On a busy machine a pause is no hang: what counts is the time of this thread on a processor.
  if (performance.now() - beganMs < hangMs || !(await isSlow(target, input))) return
  problems.push(`takes more than ${hangMs} ms; input ${show(input)}`)
}

async function isSlow(target: FuzzTarget, input: Uint8Array): Promise<boolean> {
  for (let i = 0; i < 3; i += 1) {
    const before = process.threadCpuUsage()
    await attempt(target, input)
    const { user, system } = process.threadCpuUsage(before)
    if ((user + system) / 1000 < hangMs) return false
  }
  return true
}

async function attempt(target: FuzzTarget, input: Uint8Array): Promise<string | undefined> {
  try {
    // Whoever keeps or changes the bytes must not spoil the corpus.
    await target.run(Uint8Array.from(input))
  } catch (error) {
    if (!isHoldfastError(error) || error.code === 'INTERNAL') {
      return error instanceof Error ? (error.stack ?? error.message).slice(0, 600) : String(error)
    }
  }
  return Object.keys(Object.prototype).length > 0 ? 'Object.prototype was polluted' : undefined
}

function show(input: Uint8Array): string {
  const text = Buffer.from(input.subarray(0, 400)).toString('base64')
  return `base64 ${text}${input.length > 400 ? `… of ${input.length} bytes` : ''}`
}

interface CoverageResult {
  readonly result: readonly {
    readonly url: string
    readonly functions: readonly {
      readonly ranges: readonly { startOffset: number; endOffset: number; count: number }[]
    }[]
  }[]
}

/** Branches that were reached, as V8 itself counts them: no instrumented copy of the code. */
class Coverage implements Disposable {
  readonly #session = new Session()
  readonly #modules: readonly string[]
  readonly #seen = new Set<string>()

  constructor(modules: readonly string[]) {
    this.#modules = modules
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  get size(): number {
    return this.#seen.size
  }

  /** True when something was reached since the last call that never was before. */
  async takesNew(): Promise<boolean> {
    const taken = await new Promise<CoverageResult>((resolve, reject) => {
      this.#session.post('Profiler.takePreciseCoverage', (error, result) => {
        if (error === null) resolve(result)
        else reject(error)
      })
    })
    const before = this.#seen.size
    for (const { url, functions } of taken.result) {
      if (!this.#modules.some(end => url.endsWith(end))) continue
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) this.#seen.add(`${url} ${startOffset} ${endOffset} ${bucketOf(count)}`)
        }
      }
    }
    return this.#seen.size > before
  }

  [Symbol.dispose](): void {
    this.#session.post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
  }
}

/** Reached in few or in many runs of a batch: a rare branch that becomes common is news too. */
function bucketOf(count: number): string {
  return count < batch / 10 ? 'rare' : 'common'
}
