import { type FigureResult, medianOf, type PairResult } from '../report/row-result.ts'
import type { BenchContext } from './bench-context.ts'
import { settleDisk, startIn } from './bench-context.ts'
import { askBoth } from './scale-row.ts'

const sizeBytes = 4096
const crashes = 3

export function millionName({ mode }: Pick<BenchContext, 'mode'>): string {
  const [few, many] = mode.millionAssets.map(count => count.toLocaleString('en'))
  return `million: ${few} and ${many} assets of 4 KiB, disk space, start after a kill`
}

/** Questions, disk space and the start after `kill -9`, with very many small assets. */
export async function measureMillion(
  context: BenchContext,
): Promise<{ readonly scale: readonly PairResult[]; readonly figure: FigureResult }> {
  await using small = await startIn(context, context.startSubject)
  await using large = await startIn(context, context.startSubject)
  const { server } = large
  const { store } = server
  if (store === undefined) throw new Error(`${server.name} does not say where its data lies`)
  const assets = context.mode.millionAssets
  const servers = { small: small.server, large: server }
  const scale = await askBoth(context, servers, { assets, sizeBytes })
  const starts: number[] = []
  for (let index = 0; index < crashes; index += 1) starts.push(await store.crash())
  settleDisk(context)
  const bytes = store.diskBytes()
  const payload = assets[1] * sizeBytes
  const [slowest] = starts.toSorted((a, b) => b - a)
  return {
    scale: scale.map(row => ({ ...row, name: `${row.name} (4 KiB each)` })),
    figure: {
      name: millionName(context),
      durability: server.durability,
      figures: {
        'bytes on disk / payload': (bytes / payload).toFixed(3),
        'bytes on disk': bytes,
        'of these the catalog': store.catalogBytes(),
        'ready after kill -9, median': `${Math.round(medianOf(starts))} ms`,
        'ready after kill -9, slowest': `${Math.round(slowest ?? 0)} ms`,
      },
      errors: {},
    },
  }
}
