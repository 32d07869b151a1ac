import { createHmac, timingSafeEqual } from 'node:crypto'
import { textFromBase64Url, textToBase64Url, toBase64Url } from '../../base64url.ts'
import type { Maker } from './current-principal.ts'

/** What a presigned link pins, in short names because it travels in a URL. */
export type LinkPayload = DownloadLink | UploadLink

interface LinkIssue {
  /** Unix seconds. */
  readonly exp: number
  /** Principal that issued it. */
  readonly iss: Maker
}

export interface DownloadLink extends LinkIssue {
  readonly method: 'GET'
  readonly assetId: string
  /** Version number; null = the content shown at the time of use. */
  readonly version: number | null
}

export interface UploadLink extends LinkIssue {
  readonly method: 'PUT'
  readonly bucket: string
  /** A bucket that is made again under the same name is another one. */
  readonly bucketId: string
  readonly key: string
  readonly sizeMax: number
  readonly contentType: string | null
  readonly service: string
  readonly ownerId: string
}

const TOKEN_LENGTH_MAX = 8192
const DOMAIN = 'holdfast-link-v1\n'

/** `base64url(JSON).base64url(HMAC-SHA256)`. */
export function sealLink(payload: LinkPayload, secret: Uint8Array): string {
  const body = textToBase64Url(JSON.stringify(payload))
  return `${body}.${toBase64Url(mac(body, secret))}`
}

/** The payload of an authentic token, or undefined. Nothing is parsed before the MAC is checked. */
export function unsealLink(token: string, secret: Uint8Array): LinkPayload | undefined {
  if (token.length > TOKEN_LENGTH_MAX) return undefined
  const [body, seal, ...rest] = token.split('.')
  if (body === undefined || seal === undefined || rest.length > 0) return undefined
  // The text of the seal is compared, not its bytes: a base64 text has spellings with the same
  // bytes, and an altered token must not pass.
  const expected = new TextEncoder().encode(toBase64Url(mac(body, secret)))
  const given = new TextEncoder().encode(seal)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  const text = textFromBase64Url(body)
  return text === undefined ? undefined : JSON.parse(text)
}

/** The domain keeps a MAC made for another purpose with the same secret from being a link. */
function mac(body: string, secret: Uint8Array): Uint8Array {
  return createHmac('sha256', secret).update(DOMAIN).update(body).digest()
}
