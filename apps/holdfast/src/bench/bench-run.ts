import { randomBytes } from 'node:crypto'
import type { Client } from '@holdfast/client'
import { LoadGenerator } from '@holdfast/load/load-generator.ts'
import type {
  GetTraffic,
  Limit,
  LoadOutcome,
  PutTraffic,
  Traffic,
} from '@holdfast/load/load-plan.ts'

export const works = ['mixed', 'get', 'stat', 'put'] as const
export type Work = (typeof works)[number]

export interface BenchOptions {
  readonly work: Work
  readonly seconds: number
  readonly connections: number
  readonly sizeBytes: number
  readonly objects: number
}

export interface BenchTarget {
  readonly client: Client
  readonly key: string | undefined
  readonly signal: AbortSignal
}

/** Reads and stats of objects that are there, puts and deletes beside them. */
const mix = { head: 0.3, put: 0.15, delete: 0.1 }
const WARM_UP_MS = 1000
const SLACK_MS = 60_000
const TAG = 'bench0'

/** A bucket of its own that goes away afterwards, whatever happened meanwhile. */
export async function runBench(
  { client, key, signal }: BenchTarget,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<LoadOutcome> {
  const bucket = `bench-${randomBytes(6).toString('hex')}`
  await client.buckets.create({ name: bucket, versioning: 'disabled' }, { signal })
  try {
    using generator = new LoadGenerator()
    const url = new URL(client.url)
    const place = (folder: string) => ({
      pathPrefix: `${url.pathname.replace(/\/$/, '')}/api/v2/buckets/${bucket}/assets/${folder}/`,
      headers: {
        ...(key === undefined ? {} : { 'X-API-Key': key }),
        'Content-Type': 'application/octet-stream',
      },
    })
    const { sizeBytes, objects } = options
    const put: PutTraffic = {
      kind: 'put',
      ...place('put'),
      sizeBytes,
      tag: TAG,
      firstNumber: 0,
      statuses: [201],
    }
    const get: GetTraffic = {
      kind: 'get',
      ...place('set'),
      sizeBytes,
      tag: TAG,
      firstNumber: 0,
      count: objects,
      hashEvery: sizeBytes <= 64 * 1024 ? 64 : 0,
    }
    const load = async (traffic: Traffic, until: Limit): Promise<LoadOutcome> => {
      signal.throwIfAborted()
      return await generator.run({
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
        tls: url.protocol === 'https:',
        connections: options.connections,
        traffic,
        until,
        deadlineMs: options.seconds * 1000 + SLACK_MS,
        serverPids: [],
      })
    }
    if (options.work !== 'put') {
      say(`putting ${objects} objects into ${bucket}`)
      const filled = await load({ ...put, ...place('set') }, { operations: objects })
      if (Object.keys(filled.errors).length > 0) return filled
    }
    const traffic = trafficOf(options.work, put, get)
    say(`${options.work} for ${options.seconds} s, ${options.connections} connections`)
    const warmUp = { ...put, ...place('warm') }
    await load(trafficOf(options.work, warmUp, get), { durationMs: WARM_UP_MS })
    return await load(traffic, { durationMs: options.seconds * 1000 })
  } finally {
    say(`removing ${bucket}`)
    await removeBucket(client, bucket)
  }
}

function trafficOf(work: Work, put: PutTraffic, get: GetTraffic): Traffic {
  switch (work) {
    case 'get':
      return get
    case 'stat':
      return { ...get, kind: 'head' }
    case 'put':
      return put
    case 'mixed':
      return { kind: 'mixed', put, get, shares: mix, deletedStatuses: [204] }
  }
}

const PAGE = 1000

/** Everything in it for good. Not broken off by an interrupt: it would leave litter. */
async function removeBucket(client: Client, bucket: string): Promise<void> {
  for (;;) {
    const page = await client.assets.list({ bucket, include_deleted: true, limit: PAGE })
    if (page.items.length === 0) break
    const ids = page.items.map(({ id }) => id)
    await client.assets.removeMany(ids, { hard: true })
  }
  await client.buckets.remove(bucket)
}
