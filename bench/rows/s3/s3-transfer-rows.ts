import type { PairResult } from '../../report/row-result.ts'
import {
  startHoldfast,
  startHoldfastChecked,
  startHoldfastMd5,
  startHoldfastS3,
  startHoldfastSigned,
} from '../../servers/holdfast.ts'
import type { StartServer } from '../../servers/server.ts'
import type { BenchContext } from '../bench-context.ts'
import { measureTransfer, type TransferRow, transferName } from '../transfer-row.ts'

/** Where the costs of a request and those of its bytes are looked at apart. */
const SMALL_BYTES = 64 * 1024

export interface S3TransferRow extends TransferRow {
  /** What S3 is compared with. */
  readonly door: string
  readonly startPeer: StartServer
}

/**
 * The same work through both doors of two servers of one kind: the ratio is what S3 costs. Behind
 * them stands how much of that no S3 door can do without: REST that does only that part as well.
 */
export function s3TransferRows({ mode }: Pick<BenchContext, 'mode'>): S3TransferRow[] {
  const rest = { door: 'REST', startPeer: startHoldfast }
  return mode.s3Transfers.flatMap(size => [
    { method: 'GET', ...size, ...rest },
    ...floorsOfGet(size),
    { method: 'PUT', ...size, ...rest },
    ...floorsOfPut(size),
  ])
}

type Size = Pick<TransferRow, 'sizeBytes' | 'connections'>

/** Of a small answer, the signature is what counts. */
function floorsOfGet(size: Size): S3TransferRow[] {
  if (size.sizeBytes > SMALL_BYTES) return []
  const isChecked = 'REST, its client signs, the signature is checked'
  return [
    { method: 'GET', ...size, door: 'REST, its client signs', startPeer: startHoldfastSigned },
    { method: 'GET', ...size, door: isChecked, startPeer: startHoldfastChecked },
  ]
}

/** Of a large body, the MD5 of its ETag. */
function floorsOfPut(size: Size): S3TransferRow[] {
  if (size.sizeBytes < SMALL_BYTES) return []
  return [{ method: 'PUT', ...size, door: 'REST, its MD5 told', startPeer: startHoldfastMd5 }]
}

export function s3TransferName(row: S3TransferRow): string {
  return `S3 against ${row.door}: ${transferName(row)}`
}

export async function measureS3Transfer(
  context: BenchContext,
  row: S3TransferRow,
): Promise<PairResult> {
  const doors = { ...context, startSubject: startHoldfastS3, startPeer: row.startPeer }
  return { ...(await measureTransfer(doors, row)), name: s3TransferName(row) }
}
