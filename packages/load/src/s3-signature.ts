import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import type { S3Signer } from './load-plan.ts'

const ALGORITHM = 'AWS4-HMAC-SHA256'
const PAYLOAD = 'UNSIGNED-PAYLOAD'
const SIGNED_HEADERS = 'host;x-amz-content-sha256;x-amz-date'
const PLACEHOLDER = '0'.repeat(64)

/**
 * Signature Version 4 of requests to one host
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html). The time is that
 * of its making: a run is shorter than the quarter of an hour that servers allow.
 */
export class S3Signature {
  readonly headers: Readonly<Record<string, string>>
  /** Node takes eight times as long for a key that it is given as bytes. */
  readonly #key: KeyObject
  readonly #intro: string
  readonly #outro: string

  constructor(signer: S3Signer, host: string, now = new Date()) {
    const { accessKeyId, secret, region, header = 'Authorization' } = signer
    const time = now.toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
    const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
    const key = [time.slice(0, 8), region, 's3', 'aws4_request'].reduce(
      (bytes: Buffer, part) => createHmac('sha256', bytes).update(part).digest(),
      Buffer.from(`AWS4${secret}`),
    )
    this.#key = createSecretKey(key)
    this.#intro = `${ALGORITHM}\n${time}\n${scope}\n`
    const lines = [`host:${host}`, `x-amz-content-sha256:${PAYLOAD}`, `x-amz-date:${time}`]
    this.#outro = `${lines.join('\n')}\n\n${SIGNED_HEADERS}\n${PAYLOAD}`
    this.headers = {
      'X-Amz-Content-Sha256': PAYLOAD,
      'X-Amz-Date': time,
      [header]:
        `${ALGORITHM} Credential=${accessKeyId}/${scope},` +
        `SignedHeaders=${SIGNED_HEADERS},Signature=${PLACEHOLDER}`,
    }
  }

  /** Path and query must be encoded, and the query in order, as they are signed. */
  of(method: string, target: string): string {
    const mark = target.indexOf('?')
    const path = mark < 0 ? target : target.slice(0, mark)
    const query = mark < 0 ? '' : target.slice(mark + 1)
    const canonical = `${method}\n${path}\n${query}\n${this.#outro}`
    const text = this.#intro + hash('sha256', canonical, 'hex')
    return createHmac('sha256', this.#key).update(text).digest('hex')
  }

  /** All headers of one request. */
  headersOf(method: string, target: string): Record<string, string> {
    const signature = this.of(method, target)
    const signed = Object.entries(this.headers).map(([name, value]) => {
      return [name, value.replace(PLACEHOLDER, signature)]
    })
    return Object.fromEntries(signed)
  }

  /** Where a head made with `headers` has its signature; -1 where it has none. */
  static slotIn(head: Buffer): number {
    return head.indexOf(PLACEHOLDER, 0, 'latin1')
  }
}
