import type { PairResult } from '../../report/row-result.ts'
import {
  startHoldfast,
  startHoldfastChecked,
  startHoldfastS3,
  startHoldfastSigned,
  tellingMd5,
} from '../../servers/holdfast.ts'
import type { Server, StartServer } from '../../servers/server.ts'
import { type BenchContext, startIn } from '../bench-context.ts'
import {
  compareTransfers,
  measureTransfer,
  type TransferRow,
  transferName,
} from '../transfer-row.ts'

/** Where the costs of a request and those of its bytes are looked at apart. */
const SMALL_BYTES = 64 * 1024

export interface S3TransferRow extends TransferRow {
  /** What S3 is compared with. */
  readonly door: string
  /** Another process, or the REST door of the same one. */
  readonly peer: { readonly start: StartServer } | { readonly of: (rest: Server) => Server }
}

/**
 * The same work through both doors: the ratio is what S3 costs. Behind them stands how much of that
 * no S3 door can do without: REST that does only that part as well.
 */
export function s3TransferRows({ mode }: Pick<BenchContext, 'mode'>): S3TransferRow[] {
  return mode.s3Transfers.flatMap(size => {
    const rest = { door: 'REST', peer: restOf(size) }
    return [
      { method: 'GET', ...size, ...rest },
      ...floorsOfGet(size),
      { method: 'PUT', ...size, ...rest },
      ...floorsOfPut(size),
    ]
  })
}

/**
 * Large bodies are a matter of memory and threads: both doors are those of one process, so that its
 * luck is no part of the ratio.
 */
function restOf({ sizeBytes }: Size): S3TransferRow['peer'] {
  return sizeBytes < SMALL_BYTES ? { start: startHoldfast } : { of: rest => rest }
}

type Size = Pick<TransferRow, 'sizeBytes' | 'connections'>

/** Of a small answer, the signature is what counts. */
function floorsOfGet(size: Size): S3TransferRow[] {
  if (size.sizeBytes > SMALL_BYTES) return []
  const isSigned = 'REST, its client signs'
  const isChecked = `${isSigned}, the signature is checked`
  return [
    { method: 'GET', ...size, door: isSigned, peer: { start: startHoldfastSigned } },
    { method: 'GET', ...size, door: isChecked, peer: { start: startHoldfastChecked } },
  ]
}

/** Of a large body, the MD5 of its ETag; of a small one, the signature, too. */
function floorsOfPut(size: Size): S3TransferRow[] {
  if (size.sizeBytes < SMALL_BYTES) {
    const door = 'REST, its client signs, the signature is checked, the MD5 is kept'
    return [{ method: 'PUT', ...size, door, peer: { start: startHoldfastChecked } }]
  }
  return [{ method: 'PUT', ...size, door: 'REST, its MD5 told', peer: { of: tellingMd5 } }]
}

export function s3TransferName(row: S3TransferRow): string {
  return `S3 against ${row.door}: ${transferName(row)}`
}

export async function measureS3Transfer(
  context: BenchContext,
  row: S3TransferRow,
): Promise<PairResult> {
  return { ...(await measureDoors(context, row)), name: s3TransferName(row) }
}

async function measureDoors(context: BenchContext, row: S3TransferRow): Promise<PairResult> {
  if ('start' in row.peer) {
    const doors = { ...context, startSubject: startHoldfastS3, startPeer: row.peer.start }
    return await measureTransfer(doors, row)
  }
  await using started = await startIn(context, startHoldfastS3, true)
  const { server } = started
  return await compareTransfers(context, row, [server, row.peer.of(server.rest)])
}
