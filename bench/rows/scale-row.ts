import type { CallTraffic, GetTraffic, LoadOutcome } from '@holdfast/load/load-plan.ts'
import { waitForQuiet } from '@holdfast/load/machine-load.ts'
import { type PairResult, ratioSpread, sideResult } from '../report/row-result.ts'
import { listPath, newestPath, searchPath } from '../servers/holdfast.ts'
import type { Server } from '../servers/server.ts'
import { type BenchContext, load, startIn } from './bench-context.ts'
import { fill, getTraffic, newTag, type ObjectSet } from './objects.ts'

/** Of the row that only asks questions; the million has objects of the size people put. */
const questionBytes = 256
const pagesSkipped = 3

export const scaleNames = [
  'list the first page of a bucket',
  'list the fourth page by cursor',
  'list a page with a prefix',
  'list the newest assets',
  'search that finds one asset',
  'search that finds one page',
  'search that finds nearly all',
  'get by key',
] as const

type ScaleName = (typeof scaleNames)[number]

/** One bucket with few and one with many assets; the same small question to both in turn. */
export async function measureScale(context: BenchContext): Promise<PairResult[]> {
  await using small = await startIn(context, context.startSubject)
  await using large = await startIn(context, context.startSubject)
  const servers = { small: small.server, large: large.server }
  const assets = context.mode.scaleAssets
  return await askBoth(context, servers, { assets, sizeBytes: questionBytes })
}

/** Fills both servers and asks them the same questions, in turn. */
export async function askBoth(
  context: BenchContext,
  { small, large }: { readonly small: Server; readonly large: Server },
  fillings: { readonly assets: readonly [number, number]; readonly sizeBytes: number },
): Promise<PairResult[]> {
  const [few, many] = fillings.assets
  const { sizeBytes } = fillings
  const page = Math.min(100, few / 5)
  const sides = [
    await fillBucket(context, large, { assets: many, page, sizeBytes }),
    await fillBucket(context, small, { assets: few, page, sizeBytes }),
  ] as const
  const results: PairResult[] = []
  for (const name of scaleNames) {
    results.push(await measureQuestion(context, name, sides))
    context.say(`  ${name}: ${results.at(-1)?.ratio.median.toFixed(2)}`)
  }
  return results
}

interface FilledBucket {
  readonly server: Server
  readonly label: string
  readonly page: number
  readonly cursor: string
  readonly mass: ObjectSet & { readonly count: number }
}

/** `rare/` holds one page, `mass/` the others; both words are found by search. */
async function fillBucket(
  context: BenchContext,
  server: Server,
  {
    assets,
    page,
    sizeBytes,
  }: { readonly assets: number; readonly page: number; readonly sizeBytes: number },
): Promise<FilledBucket> {
  context.say(`  putting ${assets} assets`)
  await fill(context, server, { folder: 'rare', sizeBytes, tag: newTag(), count: page })
  const mass = { folder: 'mass', sizeBytes, tag: newTag(), count: assets - page }
  await fill(context, server, mass)
  let cursor = ''
  for (let index = 0; index < pagesSkipped; index += 1) {
    const query = { limit: String(page), ...(cursor === '' ? {} : { cursor }) }
    const answer = await readPage(server, listPath(query))
    if (answer.cursor === undefined) throw new Error('a full bucket has no second page')
    cursor = answer.cursor
  }
  return { server, label: `${assets.toLocaleString('en')} assets`, page, cursor, mass }
}

async function measureQuestion(
  context: BenchContext,
  name: ScaleName,
  sides: readonly [FilledBucket, FilledBucket],
): Promise<PairResult> {
  const outcomes: [LoadOutcome[], LoadOutcome[]] = [[], []]
  for (let pair = -1; pair < context.mode.pairs; pair += 1) {
    await waitForQuiet(context.mode.patienceMs)
    for (const [index, side] of sides.entries()) {
      const outcome = await load(context, side.server, {
        connections: 1,
        traffic: await trafficOf(name, side),
        until: { durationMs: context.mode.durationMs / 4 },
      })
      if (pair >= 0) outcomes[index]?.push(outcome)
    }
  }
  const durability = 'reads'
  const left = sideResult({ label: sides[0].label, durability }, outcomes[0])
  const right = sideResult({ label: sides[1].label, durability }, outcomes[1])
  const medians = [left, right].map(side => side.runs.map(run => run.latency.p50Ms))
  return { name, left, right, ratioOf: 'p50', ratio: ratioSpread(medians[0]!, medians[1]!) }
}

async function trafficOf(name: ScaleName, side: FilledBucket): Promise<CallTraffic | GetTraffic> {
  if (name === 'get by key') {
    return getTraffic(side.server, side.mass, { count: side.mass.count, hashEvery: 64 })
  }
  const path = pathOf(name, side)
  const { items } = await readPage(side.server, path)
  const wanted = name === 'search that finds one asset' ? 1 : side.page
  if (items !== wanted) throw new Error(`${path} answers ${items} items, not ${wanted}`)
  return { kind: 'call', paths: [path], headers: side.server.place('').headers }
}

function pathOf(name: Exclude<ScaleName, 'get by key'>, side: FilledBucket): string {
  const limit = String(side.page)
  switch (name) {
    case 'list the first page of a bucket':
      return listPath({ limit })
    case 'list the fourth page by cursor':
      return listPath({ limit, cursor: side.cursor })
    case 'list a page with a prefix':
      return listPath({ limit, prefix: 'rare/' })
    case 'list the newest assets':
      return newestPath(side.page)
    case 'search that finds one asset':
      // A number that the few of `rare/` do not reach.
      return searchPath(String(side.page * 2).padStart(10, '0'), side.page)
    case 'search that finds one page':
      return searchPath('rare', side.page)
    case 'search that finds nearly all':
      return searchPath('mass', side.page)
  }
}

async function readPage(
  server: Server,
  path: string,
): Promise<{ items: number; cursor: string | undefined }> {
  const { headers } = server.place('')
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 200)}`)
  const { items, next_cursor: cursor } = JSON.parse(text)
  return { items: items.length, cursor: cursor ?? undefined }
}
