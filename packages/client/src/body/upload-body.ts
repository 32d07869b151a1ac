/**
 * What may be uploaded. A stream can be sent once only, so a broken attempt ends the call; a
 * function that opens the stream anew can be repeated.
 */
export type UploadBody = string | Uint8Array | ArrayBuffer | Blob | ByteStream | (() => ByteStream)

export type ByteStream = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>

/** A body in the two forms that matter on the wire. */
export type PreparedBody = WholeBody | StreamedBody

/** Bytes that the platform can send by itself, as often as needed. */
export interface WholeBody {
  readonly kind: 'whole'
  readonly bytes: Blob | Uint8Array<ArrayBuffer>
  readonly size: number
}

export interface StreamedBody {
  readonly kind: 'stream'
  /** Each call gives the bytes from the beginning; a one-shot source only the first time. */
  readonly open: () => AsyncIterator<Uint8Array>
  readonly replayable: boolean
  readonly size: number | undefined
}

/** `size`: announced bytes of a stream; whole bodies know theirs. */
export function prepareBody(body: UploadBody, size: number | undefined): PreparedBody {
  if (typeof body === 'string') return whole(new TextEncoder().encode(body))
  if (body instanceof Blob) return { kind: 'whole', bytes: body, size: body.size }
  if (body instanceof ArrayBuffer) return whole(new Uint8Array(body))
  if (body instanceof Uint8Array) return whole(plainBytes(body))
  if (typeof body === 'function') {
    return { kind: 'stream', open: () => iterate(body()), replayable: true, size }
  }
  return { kind: 'stream', open: () => iterate(body), replayable: false, size }
}

function whole(bytes: Uint8Array<ArrayBuffer>): WholeBody {
  return { kind: 'whole', bytes, size: bytes.length }
}

/** The same bytes in the type that fetch takes; shared memory has to be copied. */
export function plainBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, length)
    : new Uint8Array(bytes)
}

export function iterate(stream: ByteStream): AsyncIterator<Uint8Array> {
  return stream instanceof ReadableStream ? readAll(stream) : stream[Symbol.asyncIterator]()
}

/** Not every browser can iterate over a stream. */
async function* readAll(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  let isOver = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      isOver = done
      if (value === undefined) return
      yield value
    }
  } finally {
    if (!isOver) await reader.cancel().catch(() => {})
    reader.releaseLock()
  }
}
