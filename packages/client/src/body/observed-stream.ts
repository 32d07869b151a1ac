import { ClientError } from '../client-error.ts'
import { plainBytes, type StreamedBody } from './upload-body.ts'

const NOTHING = new Uint8Array()

export interface ObservedStream {
  readonly stream: ReadableStream<Uint8Array>
  /** True once a byte was taken: from then on a one-shot source cannot be sent again. */
  wasTaken(): boolean
  /** Lets go of the source, wherever it is: fetch itself goes on reading after an abort. */
  stop(): void
  /** Why the source itself failed, if it did: no attempt can help then. */
  fault(): { readonly error: unknown } | undefined
}

export interface StreamObserver {
  /** The connection asks for more: the source has the turn. */
  onAsk(): void
  onChunk(chunk: Uint8Array): void
}

/** Passes a source on as fast as it is asked for, and sees what happens to it. */
export function observeStream(body: StreamedBody, observer: StreamObserver): ObservedStream {
  let source: AsyncIterator<Uint8Array> | undefined
  let fault: { readonly error: unknown } | undefined
  let sizeBytes = 0
  let isOver = false
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const take = async (): Promise<Uint8Array | undefined> => {
    try {
      source ??= body.open()
      const { done, value } = await source.next()
      if (done === true) {
        requireSize(body.size, sizeBytes, true)
        return undefined
      }
      sizeBytes += value.length
      requireSize(body.size, sizeBytes, false)
      return value
    } catch (error) {
      fault = { error }
      throw error
    }
  }
  const pull = async (to: ReadableStreamDefaultController<Uint8Array>) => {
    observer.onAsk()
    const chunk = await take()
    if (isOver) return
    observer.onChunk(chunk ?? NOTHING)
    if (chunk !== undefined) {
      to.enqueue(plainBytes(chunk))
      return
    }
    isOver = true
    to.close()
  }
  const leave = () => {
    isOver = true
    // Nobody is left to be told when the source fails at its end.
    source?.return?.()?.catch(() => {})
  }
  const stop = () => {
    if (isOver) return
    leave()
    controller?.error(new Error('the upload was given up'))
  }
  const start = (given: ReadableStreamDefaultController<Uint8Array>) => {
    controller = given
  }
  // Without a queue nothing is taken before the connection asks for it.
  const options = { highWaterMark: 0 }
  const stream = new ReadableStream<Uint8Array>({ start, pull, cancel: leave }, options)
  return { stream, wasTaken: () => source !== undefined, stop, fault: () => fault }
}

function requireSize(announced: number | undefined, size: number, isOver: boolean): void {
  if (announced === undefined || size === announced) return
  if (!isOver && size < announced) return
  const found = isOver ? `only ${size}` : 'more'
  const message = `The source was announced as ${announced} bytes and has ${found}.`
  throw new ClientError(message, { code: 'BODY_LENGTH', details: { announced, size } })
}
