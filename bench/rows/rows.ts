import type { FigureResult, PairResult } from '../report/row-result.ts'
import { isInstalled } from '../servers/install.ts'
import type { BenchContext } from './bench-context.ts'
import { crowdName, measureCrowd } from './crowd-row.ts'
import { diskName, measureDisk } from './disk-row.ts'
import { measureMemory, memoryName } from './memory-row.ts'
import { measureMillion, millionName } from './million-row.ts'
import { measureScale } from './scale-row.ts'
import { measureToken, tokenName } from './token-row.ts'
import { measureTransfer, transferName, transferRows } from './transfer-row.ts'
import { measureWriters, writersName } from './writers-row.ts'
import { measureWrk, wrkName } from './wrk-row.ts'

export type RowResult =
  | { readonly kind: 'transfer' | 'scale'; readonly results: readonly PairResult[] }
  | { readonly kind: 'figures'; readonly results: readonly FigureResult[] }
  | {
      readonly kind: 'million'
      readonly results: readonly PairResult[]
      readonly figure: FigureResult
    }

export interface Row {
  readonly name: string
  /** Only Holdfast answers it. */
  readonly needsHoldfast: boolean
  measure(context: BenchContext): Promise<RowResult>
}

export function allRows(context: Pick<BenchContext, 'mode'>): Row[] {
  return [...comparisons(context), ...figures(context)]
}

function comparisons(context: Pick<BenchContext, 'mode'>): Row[] {
  const transfers = transferRows(context).map(
    (row): Row => ({
      name: transferName(row),
      needsHoldfast: false,
      measure: async on => ({ kind: 'transfer', results: [await measureTransfer(on, row)] }),
    }),
  )
  const [few, many] = context.mode.scaleAssets
  const scale: Row = {
    name: `scale: ${few} and ${many} assets`,
    needsHoldfast: true,
    measure: async on => ({ kind: 'scale', results: await measureScale(on) }),
  }
  const million: Row = {
    name: millionName(context),
    needsHoldfast: true,
    measure: async on => {
      const { scale: results, figure } = await measureMillion(on)
      return { kind: 'million', results, figure }
    },
  }
  return [...transfers, scale, million]
}

function figures(context: Pick<BenchContext, 'mode'>): Row[] {
  const rows = [
    figureRow(diskName, measureDisk),
    figureRow(memoryName(context), measureMemory),
    figureRow(crowdName(context), measureCrowd),
    figureRow(writersName(context), measureWriters),
  ]
  rows.push({ ...figureRow(tokenName, measureToken), needsHoldfast: true })
  if (isInstalled('wrk')) rows.push(figureRow(wrkName, measureWrk))
  return rows
}

function figureRow(name: string, measure: (on: BenchContext) => Promise<FigureResult>): Row {
  return {
    name,
    needsHoldfast: false,
    measure: async on => ({ kind: 'figures', results: [await measure(on)] }),
  }
}
