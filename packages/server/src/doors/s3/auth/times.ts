import { BoundedCache } from '@holdfast/core/bounded-cache.ts'
import { S3Error } from '../errors.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html#RESTAuthenticationTimeStamp */
export const SKEW_MS = 15 * 60 * 1000

/** Signers tell the second, so the same few come again and again. */
const parsed = new BoundedCache<number>(128)

let latest: { readonly text: string; readonly ms: number } | undefined

/** Milliseconds of `20261127T120000Z`, or undefined. */
export function parseAmzDate(text: string): number | undefined {
  if (text === latest?.text) return latest.ms
  const ms = parsed.get(text) ?? readAmzDate(text)
  if (ms === undefined) return undefined
  parsed.set(text, ms)
  latest = { text, ms }
  return ms
}

function readAmzDate(text: string): number | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second] = match
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(ms) || amzDate(ms) !== text ? undefined : ms
}

export function amzDate(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
}

export function requireFresh(atMs: number, nowMs: number): void {
  if (Math.abs(atMs - nowMs) <= SKEW_MS) return
  throw new S3Error('RequestTimeTooSkewed', {
    RequestTime: amzDate(atMs),
    ServerTime: new Date(nowMs).toISOString(),
    MaxAllowedSkewMilliseconds: String(SKEW_MS),
  })
}
