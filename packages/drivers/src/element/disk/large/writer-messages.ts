import type { ReplyError } from '../../../store/commit-request.ts'
import type { SharedMemory } from '../lanes/web-assembly.ts'
import type { SunkFacts } from './large-sink.ts'
import type { WrittenFileOptions } from './written-file.ts'

/**
 * Messages between the event loop and the threads for large bodies, those that write and the one
 * that takes MD5s. Bytes travel in shared slabs.
 */

export interface WriterData {
  /** The shared slabs, each `SINK_BYTES` long and aligned to a page. */
  readonly slabs: SharedMemory
}

export type ToWriter =
  | {
      readonly kind: 'write' | 'finish'
      readonly id: number
      /** All of them are full, except the last one of the last message. */
      readonly slabs: readonly number[]
      readonly size: number
      /** Of the first message to a writer: the file is made now. */
      readonly open?: WrittenFileOptions
    }
  | { readonly kind: 'abandon'; readonly id: number }

/** Answers come in the order of the messages of one body, and give back their slabs. */
export type FromWriter =
  | { readonly kind: 'done'; readonly id: number; readonly slabs: readonly number[] }
  | {
      readonly kind: 'finished'
      readonly id: number
      readonly slabs: readonly number[]
      readonly facts: SunkFacts
    }
  | {
      /** The end of a body, by the thread that takes MD5s. */
      readonly kind: 'hashed'
      readonly id: number
      readonly slabs: readonly number[]
      readonly md5: string
    }
  | {
      readonly kind: 'failed'
      readonly id: number
      readonly slabs: readonly number[]
      readonly error: ReplyError
    }
