import type { PairResult } from '../../report/row-result.ts'
import { startHoldfastS3 } from '../../servers/holdfast.ts'
import { startS3rver } from '../../servers/s3rver.ts'
import type { BenchContext } from '../bench-context.ts'
import { measureTransfer, type TransferRow, transferName } from '../transfer-row.ts'

/** The same signed requests to Holdfast and to the nearest server on the same platform. */
export function peerRows({ mode }: Pick<BenchContext, 'mode'>): TransferRow[] {
  return mode.peerTransfers.flatMap(size =>
    (['GET', 'PUT'] as const).map(method => ({ method, ...size })),
  )
}

export function peerName(row: TransferRow): string {
  return `S3 against s3rver: ${transferName(row)}`
}

export async function measurePeer(context: BenchContext, row: TransferRow): Promise<PairResult> {
  const servers = { ...context, startSubject: startHoldfastS3, startPeer: startS3rver }
  return { ...(await measureTransfer(servers, row)), name: peerName(row) }
}
