import { ClientError } from '../client-error.ts'
import type { JsonObject } from '../json.ts'
import type { CallOptions } from '../options.ts'
import type { Answer, Transport, WireRequest } from '../wire/transport.ts'
import { digestBefore, reprDigest } from './digest.ts'
import type { Sha256 } from './sha256.ts'
import { type PreparedBody, prepareBody, type UploadBody } from './upload-body.ts'

export interface UploadOptions extends CallOptions {
  /** Without one, the server looks at the bytes. */
  readonly contentType?: string | undefined
  /** Bytes of a stream, if known: then a quota can refuse before anything is sent. */
  readonly size?: number | undefined
  /** SHA-256 of the content, hex, if known: then the server refuses damaged bytes. */
  readonly sha256?: string | undefined
  /** False leaves out computing and comparing the SHA-256. */
  readonly verify?: boolean
  /** Merged into the metadata of the asset. */
  readonly metadata?: JsonObject | undefined
  /** Entity tag with its quotes, or `*`: only replace this content. */
  readonly ifMatch?: string | undefined
  /** `*`: only create. */
  readonly ifNoneMatch?: string | undefined
  /** Called with the bytes of this attempt that were handed to the connection. Streams only. */
  readonly onProgress?: ((sentBytes: number) => void) | undefined
}

/** What an answer to an upload says about the bytes that arrived. */
interface Stored {
  readonly checksum: string
}

/** Sends raw bytes, and makes sure that what is stored is what was sent. */
export async function sendBytes<T extends Stored>(
  transport: Transport,
  request: WireRequest,
  upload: {
    readonly body: UploadBody
    readonly options: UploadOptions
    readonly read: (answer: Answer) => Promise<T>
  },
): Promise<T> {
  const { options, read } = upload
  const body = prepareBody(upload.body, options.size)
  const isVerified = options.verify !== false
  const before =
    options.sha256?.toLowerCase() ??
    (isVerified ? await digestBefore(body, transport.sha256) : undefined)
  let hash: Sha256 | undefined
  const watch = () => {
    let sentBytes = 0
    hash = isVerified && before === undefined ? transport.sha256() : undefined
    return (chunk: Uint8Array) => {
      hash?.update(chunk)
      sentBytes += chunk.length
      options.onProgress?.(sentBytes)
    }
  }
  const headers = { ...request.headers, ...headersOf(options, body, before) }
  const stored = await transport.run({ ...request, headers, body, watch, options }, read)
  const sent = before ?? hash?.hex()
  if (sent !== undefined && sent !== stored.checksum) throw damaged(sent, stored.checksum)
  return stored
}

function headersOf(
  options: UploadOptions,
  body: PreparedBody,
  sha256: string | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': options.contentType ?? 'application/octet-stream',
  }
  if (body.kind === 'stream' && body.size !== undefined) {
    headers['content-length'] = String(body.size)
  }
  if (sha256 !== undefined) headers['repr-digest'] = reprDigest(sha256)
  if (options.metadata !== undefined) headers['x-metadata'] = asciiJson(options.metadata)
  if (options.ifMatch !== undefined) headers['if-match'] = options.ifMatch
  if (options.ifNoneMatch !== undefined) headers['if-none-match'] = options.ifNoneMatch
  return headers
}

/** Headers carry no Unicode, but JSON can write it in ASCII. */
function asciiJson(value: JsonObject): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function damaged(sent: string, stored: string): ClientError {
  const message = 'The server stored other bytes than were sent; they were damaged on the way.'
  const details = { sent, stored }
  return new ClientError(message, { code: 'CONTENT_DAMAGED', details, mayHaveApplied: true })
}
