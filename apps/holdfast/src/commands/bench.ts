import type { LoadOutcome, Method } from '@holdfast/load/load-plan.ts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type BenchOptions, runBench, type Work, works } from '../bench/bench-run.ts'
import { connect, type GlobalOptions } from '../connection/connection.ts'
import { parseSeconds, parseSize, sizeText } from '../output/amounts.ts'
import { printJson, say } from '../output/say.ts'
import { printTable } from '../output/table.ts'

const SECONDS_MAX = 3600
const CONNECTIONS_MAX = 4096
const SIZE_MAX = 1024 ** 3
const OBJECTS_MAX = 100_000

interface Given {
  readonly work: Work
  readonly duration: number
  readonly connections: number
  readonly size: number
  readonly objects: number
}

export function addBench(program: Command): void {
  program
    .command('bench')
    .summary('measure a server')
    .description(
      'Measure a server under load: GET 45, STAT 30, PUT 15 and DELETE 10 per cent, or one of ' +
        'them. It works in a bucket of its own, which needs buckets:admin and is removed ' +
        'afterwards. Answers are checked; one that is wrong makes the run fail.',
    )
    .argument('[url]', 'address of the server, instead of --url')
    .addOption(new Option('--work <kind>', 'what to do').choices(works).default('mixed'))
    .option('--duration <time>', 'how long, such as 30s', seconds, 10)
    .option('--connections <count>', 'requests at once', counted(CONNECTIONS_MAX), 16)
    .option('--size <bytes>', 'size of each object, such as 4KiB', size, 4096)
    .option('--objects <count>', 'objects to read', counted(OBJECTS_MAX), 1000)
    .action(async (url: string | undefined, given: Given, command: Command) => {
      if (url !== undefined) command.setOptionValue('url', url)
      const { client, json, signal } = connect(command)
      const { key } = command.optsWithGlobals<GlobalOptions>()
      const options: BenchOptions = {
        work: given.work,
        seconds: given.duration,
        connections: given.connections,
        sizeBytes: given.size,
        objects: given.objects,
      }
      const target = { client, key: key ?? (process.env.HOLDFAST_API_KEY || undefined), signal }
      const outcome = await runBench(target, options, json ? () => {} : say)
      if (json) printJson({ url: client.url, ...options, ...outcome })
      else showOutcome(outcome)
      if (Object.keys(outcome.errors).length > 0) process.exitCode = 1
    })
}

function showOutcome(outcome: LoadOutcome): void {
  const rows = Object.entries(outcome.byMethod).map(([method, { operations, latency }]) => [
    names[method as Method],
    Math.round(perSecond(operations, outcome)).toLocaleString('en'),
    ...[latency.p50Ms, latency.p90Ms, latency.p99Ms, latency.maxMs].map(ms => ms.toFixed(2)),
  ])
  const heads = ['WORK', 'PER SECOND', 'P50 MS', 'P90 MS', 'P99 MS', 'MAX MS']
  printTable([heads, ...rows], new Set([1, 2, 3, 4, 5]))
  say(
    `${outcome.operations.toLocaleString('en')} operations, ` +
      `${sizeText(perSecond(outcome.bytes, outcome))}/s, ` +
      `${outcome.hashedAnswers.toLocaleString('en')} answers compared by SHA-256, ` +
      `the load itself took ${Math.round(outcome.loadCpuShare * 100)} % of a core`,
  )
  for (const [what, count] of Object.entries(outcome.errors)) say(`${count} × ${what}`)
}

const names: Readonly<Record<Method, string>> = {
  GET: 'GET',
  HEAD: 'STAT',
  PUT: 'PUT',
  DELETE: 'DELETE',
}

function perSecond(amount: number, { elapsedMs }: LoadOutcome): number {
  return elapsedMs > 0 ? (amount / elapsedMs) * 1000 : 0
}

function counted(max: number): (text: string) => number {
  return text => {
    const count = /^\d{1,9}$/.test(text) ? Number(text) : 0
    if (count >= 1 && count <= max) return count
    throw new InvalidArgumentError(`It must be from 1 to ${max}.`)
  }
}

function seconds(text: string): number {
  const value = parseSeconds(text)
  if (value !== undefined && value >= 1 && value <= SECONDS_MAX) return value
  throw new InvalidArgumentError('It must be from 1s to 1h.')
}

/** Bodies begin with a stamp of 16 bytes that names them. */
function size(text: string): number {
  const value = parseSize(text)
  if (value !== undefined && value >= 16 && value <= SIZE_MAX) return value
  throw new InvalidArgumentError('It must be from 16 to 1GiB.')
}
