import type { Command } from 'commander'
import { type GlobalOptions, serverOf } from '../connection/connection.ts'
import { interruptSignal } from '../connection/interrupt.ts'
import { LoadObjects } from '../load/load-objects.ts'
import { LoadTarget } from '../load/load-target.ts'
import { type LoadFigures, type LoadPlan, runLoad } from '../load/run-load.ts'
import { parseSize, sizeText } from '../output/amounts.ts'
import { printJson, say } from '../output/say.ts'
import { printTable } from '../output/table.ts'
import { UsageError } from '../output/usage-error.ts'

const SIZE_BYTES_MAX = 64 * 1024 ** 2
const SET_BYTES_MAX = 256 * 1024 ** 2
const SET_COUNT_MAX = 1000

interface BenchOptions {
  readonly seconds: number
  readonly connections: number
  readonly size: number
}

export function addBench(program: Command): void {
  program
    .command('bench')
    .summary('measure a server')
    .description(
      'Put, get and mix for a while, and print how many a second and how long each took. Every ' +
        'answer is compared with what was put. Needs a key that may write to the bucket; what it ' +
        'puts there it removes for good at the end. One process makes the load, and may be the ' +
        'limit.',
    )
    .argument('[url]', 'address of the server, instead of --url')
    .option('-s, --seconds <count>', 'length of each of the four runs', whole('seconds', 300), 5)
    .option('-c, --connections <count>', 'requests at once', whole('connections', 256), 16)
    .option('--size <bytes>', 'size of the objects, such as 4k or 1m', size, 4096)
    .action(async (url: string | undefined, options: BenchOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const { base, key, bucket } = serverOf(url === undefined ? globals : { ...globals, url })
      using target = new LoadTarget(base, { key, connections: options.connections })
      const objects = new LoadObjects(target, {
        bucket,
        sizeBytes: options.size,
        connections: options.connections,
      })
      const figures = await measure(objects, options)
      if (globals.json === true) for (const figure of figures) printJson(figure)
      else show(figures, options)
      const failed = figures.flatMap(({ errors }) => Object.entries(errors))
      for (const [what, count] of failed) say(`${count} × ${what}`)
      if (failed.length > 0) process.exitCode = 1
    })
}

async function measure(objects: LoadObjects, options: BenchOptions): Promise<LoadFigures[]> {
  const signal = interruptSignal()
  const { connections } = options
  const durationMs = options.seconds * 1000
  const run = (work: string, operate: LoadPlan['operate']) =>
    runLoad({ work, connections, durationMs, signal, operate })
  try {
    const puts = await run('PUT', () => objects.put())
    const setMax = Math.min(SET_COUNT_MAX, Math.floor(SET_BYTES_MAX / options.size))
    const count = Math.min(objects.count, setMax)
    // Nothing to read: the errors of the puts say why.
    if (count === 0) return [puts]
    const any = () => objects.at(Math.floor(Math.random() * count))
    const mixed = (): Promise<void> => {
      const draw = Math.random()
      if (draw < 0.45) return objects.get(any())
      if (draw < 0.75) return objects.head(any())
      return draw < 0.9 || objects.count <= count ? objects.put() : objects.removeLast()
    }
    return [
      puts,
      await run('GET', () => objects.get(any())),
      await run('HEAD', () => objects.head(any())),
      await run('mixed: GET 45, HEAD 30, PUT 15, DELETE 10 %', mixed),
    ]
  } finally {
    await objects.removeAll()
  }
}

function show(figures: readonly LoadFigures[], { size, connections }: BenchOptions): void {
  say(`${sizeText(size)} each, ${connections} at once`)
  const rows = figures.map(({ work, operationsPerSecond, p50Ms, p99Ms, errors }) => [
    work,
    Math.round(operationsPerSecond).toLocaleString('en'),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    String(Object.values(errors).reduce((sum, count) => sum + count, 0)),
  ])
  const heads = ['WORK', 'PER SECOND', 'P50 MS', 'P99 MS', 'ERRORS']
  printTable([heads, ...rows], new Set([1, 2, 3, 4]))
}

function whole(name: string, max: number) {
  return (text: string): number => {
    const value = Number(text)
    if (/^\d{1,9}$/.test(text) && value >= 1 && value <= max) return value
    throw new UsageError(`${name}: a whole number from 1 to ${max}`)
  }
}

function size(text: string): number {
  const bytes = parseSize(text)
  if (bytes !== undefined && bytes >= 8 && bytes <= SIZE_BYTES_MAX) return bytes
  throw new UsageError('size: from 8 bytes to 64m')
}
