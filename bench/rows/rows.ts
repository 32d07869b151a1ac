import type { FigureResult, PairResult } from '../report/row-result.ts'
import { isInstalled } from '../servers/install.ts'
import type { BenchContext } from './bench-context.ts'
import { crowdName, measureCrowd } from './crowd-row.ts'
import { diskName, measureDisk } from './disk-row.ts'
import { measureMemory, memoryName } from './memory-row.ts'
import { measureMillion, millionName } from './million-row.ts'
import { measurePeer, peerName, peerRows } from './s3/peer-rows.ts'
import { measureS3Listing, s3ListingName } from './s3/s3-listing-row.ts'
import { measureS3Multipart, s3MultipartName } from './s3/s3-multipart-row.ts'
import { measureS3Transfer, s3TransferName, s3TransferRows } from './s3/s3-transfer-rows.ts'
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
  return [...comparisons(context), ...s3Rows(context), ...figures(context)]
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

/** The S3 door, beside REST and by itself. */
function s3Rows(context: Pick<BenchContext, 'mode'>): Row[] {
  const transfers = s3TransferRows(context).map(
    (row): Row => ({
      name: s3TransferName(row),
      needsHoldfast: true,
      measure: async on => ({ kind: 'transfer', results: [await measureS3Transfer(on, row)] }),
    }),
  )
  const peers = peerRows(context).map(
    (row): Row => ({
      name: peerName(row),
      needsHoldfast: true,
      measure: async on => ({ kind: 'transfer', results: [await measurePeer(on, row)] }),
    }),
  )
  const multipart = figureRow(s3MultipartName(context), measureS3Multipart)
  const listing: Row = {
    name: s3ListingName(context),
    needsHoldfast: true,
    measure: async on => ({ kind: 'scale', results: await measureS3Listing(on) }),
  }
  return [...transfers, ...peers, { ...multipart, needsHoldfast: true }, listing]
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
