import type { Socket } from 'node:net'
import type { LentBytes } from '@holdfast/core/ports/element.ts'
import type { Context } from '../../../context.ts'
import type { PreparedHead, WholeWriter } from '../write-whole.ts'
import type { QuickAnswer } from './quick-connections.ts'

export interface QuickParts {
  readonly load: Context['load']
  readonly writer: WholeWriter
  readonly keepAliveMs: number
}

export interface Ready {
  readonly socket: Socket
  readonly head: PreparedHead
  /** Further header lines, each with its line break. */
  readonly fields: string
  readonly content: LentBytes
  /** For log and metrics, once the connection is done with the answer. */
  readonly record: (isWhole: boolean) => void
}

/** Counts as work from now on: a stop waits until the kernel has all of it, or the client left. */
export function quickAnswer({ load, writer, keepAliveMs }: QuickParts, ready: Ready): QuickAnswer {
  const { socket, head, fields, content, record } = ready
  const { bytes, headRoom } = content
  load.active += 1
  return over => {
    writer.writeTo(socket, head, {
      ...{ fields, bytes, headRoom, keepAliveMs },
      sent: error => {
        load.active -= 1
        const isWhole = error === undefined || error === null
        content.release(isWhole)
        record(isWhole)
        over()
      },
    })
  }
}

/** Content that is everybody's: nothing to give back. */
export function kept(bytes: Uint8Array): LentBytes {
  return { bytes, release: keep }
}

function keep(): void {}

export const NO_CONTENT = kept(new Uint8Array(0))
