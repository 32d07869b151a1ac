import type { PairResult } from '../../report/row-result.ts'
import { startHoldfast, startHoldfastS3 } from '../../servers/holdfast.ts'
import type { BenchContext } from '../bench-context.ts'
import { measureTransfer, type TransferRow, transferName } from '../transfer-row.ts'

/** The same work through both doors of two servers of one kind: the ratio is what S3 costs. */
export function s3TransferRows({ mode }: Pick<BenchContext, 'mode'>): TransferRow[] {
  return mode.s3Transfers.flatMap(size =>
    (['GET', 'PUT'] as const).map(method => ({ method, ...size })),
  )
}

export function s3TransferName(row: TransferRow): string {
  return `S3 against REST: ${transferName(row)}`
}

export async function measureS3Transfer(
  context: BenchContext,
  row: TransferRow,
): Promise<PairResult> {
  const doors = { ...context, startSubject: startHoldfastS3, startPeer: startHoldfast }
  return { ...(await measureTransfer(doors, row)), name: s3TransferName(row) }
}
