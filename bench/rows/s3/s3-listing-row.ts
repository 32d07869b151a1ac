import type { LoadOutcome } from '@holdfast/load/load-plan.ts'
import { waitForQuiet } from '@holdfast/load/machine-load.ts'
import { type PairResult, ratioSpread, sideResult } from '../../report/row-result.ts'
import { askS3, startHoldfastS3 } from '../../servers/holdfast.ts'
import type { Server } from '../../servers/server.ts'
import { type BenchContext, load, startIn } from '../bench-context.ts'
import { fill, newTag } from '../objects.ts'

const sizeBytes = 16
/** Keys lie in this many folders, so that a delimiter has something to fold. */
const folders = 100
const page = 1000

export function s3ListingName({ mode }: Pick<BenchContext, 'mode'>): string {
  const [few, many] = mode.s3ListingKeys.map(count => count.toLocaleString('en'))
  return `S3 listing: pages of ${few} and of ${many} keys`
}

/** Queries in the order in which they are signed. */
function questions({ mode }: Pick<BenchContext, 'mode'>): (readonly [string, string])[] {
  // Folders of the large bucket hold more: both are asked for half of what the small one has.
  const ofFolder = Math.ceil(mode.s3ListingKeys[0] / folders / 2)
  return [
    ['S3 ListObjectsV2, first page', `list-type=2&max-keys=${page}`],
    [
      'S3 ListObjectsV2, a page in the middle',
      `list-type=2&max-keys=${page}&start-after=f050%2F0000000003`,
    ],
    ['S3 ListObjectsV2 with delimiter', `delimiter=%2F&list-type=2&max-keys=${page}`],
    [
      `S3 ListObjectsV2 of ${ofFolder} keys of a folder, with delimiter`,
      `delimiter=%2F&list-type=2&max-keys=${ofFolder}&prefix=f050%2F`,
    ],
    ['S3 ListObjects (version 1) with delimiter', `delimiter=%2F&max-keys=${page}`],
    ['S3 ListObjectVersions', `max-keys=${page}&versions=`],
    ['S3 ListObjectVersions with delimiter', `delimiter=%2F&max-keys=${page}&versions=`],
  ]
}

/** The same page out of a small and a large bucket; then all pages of the large one are walked. */
export async function measureS3Listing(context: BenchContext): Promise<PairResult[]> {
  await using small = await startIn(context, startHoldfastS3)
  await using large = await startIn(context, startHoldfastS3)
  const [few, many] = context.mode.s3ListingKeys
  const sides = [
    { server: large.server, keys: many },
    { server: small.server, keys: few },
  ] as const
  for (const { server, keys } of sides) await fillFolders(context, server, keys)
  const results: PairResult[] = []
  for (const [name, query] of questions(context)) {
    const outcomes: [LoadOutcome[], LoadOutcome[]] = [[], []]
    for (let pair = -1; pair < context.mode.pairs; pair += 1) {
      await waitForQuiet(context.mode.patienceMs)
      for (const [index, { server }] of sides.entries()) {
        const outcome = await ask(context, server, query)
        if (pair >= 0) outcomes[index]?.push(outcome)
      }
    }
    const [left, right] = sides.map(({ keys }, index) => {
      const label = `${keys.toLocaleString('en')} keys`
      return sideResult({ label, durability: 'reads' }, outcomes[index] ?? [])
    })
    const medians = [left!, right!].map(side => side.runs.map(run => run.latency.p50Ms))
    const ratio = ratioSpread(medians[0]!, medians[1]!)
    results.push({ name, left: left!, right: right!, ratioOf: 'p50', ratio })
    context.say(`  ${name}: ${ratio.median.toFixed(2)}`)
  }
  await walk(context, large.server, many)
  return results
}

async function fillFolders(context: BenchContext, server: Server, keys: number): Promise<void> {
  context.say(`  putting ${keys} keys`)
  for (let number = 0; number < folders; number += 1) {
    const folder = `f${String(number).padStart(3, '0')}`
    await fill(context, server, { folder, sizeBytes, tag: newTag(), count: keys / folders })
  }
}

function ask(context: BenchContext, server: Server, query: string): Promise<LoadOutcome> {
  const { pathPrefix, headers, signer } = server.place('')
  const path = `${pathPrefix.slice(0, pathPrefix.indexOf('/', 1))}?${query}`
  return load(context, server, {
    connections: 1,
    traffic: { kind: 'call', paths: [path], headers, ...(signer === undefined ? {} : { signer }) },
    until: { durationMs: context.mode.durationMs / 4 },
  })
}

/** Every key must come exactly once, in order. */
async function walk(context: BenchContext, server: Server, keys: number): Promise<void> {
  const { pathPrefix } = server.place('')
  const bucket = pathPrefix.slice(0, pathPrefix.indexOf('/', 1))
  const startedAt = performance.now()
  let seen = 0
  let last = ''
  for (let token = ''; ; ) {
    const after = token === '' ? '' : `continuation-token=${encodeURIComponent(token)}&`
    const target = `${bucket}?${after}list-type=2&max-keys=${page}`
    const answer = await askS3(server, { method: 'GET', target })
    const text = await answer.text()
    for (const [, key = ''] of text.matchAll(/<Key>(.*?)<\/Key>/g)) {
      if (key <= last) throw new Error(`${key} comes after ${last}`)
      last = key
      seen += 1
    }
    token = /<NextContinuationToken>(.*?)<\/NextContinuationToken>/.exec(text)?.[1] ?? ''
    if (token === '') break
  }
  if (seen !== keys) throw new Error(`${seen} keys were listed, not ${keys}`)
  const seconds = (performance.now() - startedAt) / 1000
  context.say(`  all ${keys} keys listed in ${seconds.toFixed(1)} s`)
}
