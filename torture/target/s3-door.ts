import { type Pair, type Plain, sign } from '../access/s3/sign.ts'
import { type Answer, Wire } from '../access/wire.ts'

/** `unknown`: no answer, or one that leaves it open. */
export type S3Outcome = 'ok' | 'no' | 'unknown'

/** The S3 door, signed and without retries. */
export class S3Door implements Disposable {
  readonly #wire: Wire
  readonly #pair: Pair
  readonly #bucket: string
  /** What refused requests were told. */
  readonly refusals: string[] = []

  constructor(url: string, { pair, bucket }: { readonly pair: Pair; readonly bucket: string }) {
    this.#wire = new Wire(url)
    this.#pair = pair
    this.#bucket = bucket
  }

  async put(key: string, body: Uint8Array): Promise<S3Outcome> {
    return this.#outcome(await this.#ask({ method: 'PUT', path: this.#pathOf(key), body }))
  }

  async remove(key: string): Promise<S3Outcome> {
    return this.#outcome(await this.#ask({ method: 'DELETE', path: this.#pathOf(key) }))
  }

  /** In two parts; the first must have 5 MiB, the least that S3 allows. */
  async putParts(key: string, parts: readonly Uint8Array[]): Promise<S3Outcome> {
    const path = this.#pathOf(key)
    const begun = await this.#ask({ method: 'POST', path, query: { uploads: '' } })
    const uploadId = /<UploadId>([^<]+)</.exec(begun?.text ?? '')?.[1]
    if (uploadId === undefined) return this.#notAsked(begun)
    const etags: string[] = []
    for (const [at, body] of parts.entries()) {
      const query = { partNumber: String(at + 1), uploadId }
      const sent = await this.#ask({ method: 'PUT', path, query, body })
      if (sent?.status !== 200) return this.#notAsked(sent)
      etags.push(sent.headers.etag ?? '')
    }
    const named = etags.map(
      (etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
    )
    const body = `<CompleteMultipartUpload>${named.join('')}</CompleteMultipartUpload>`
    const completed = await this.#ask({ method: 'POST', path, query: { uploadId }, body })
    // S3 may answer 200 first and an error in the body.
    if (completed?.status === 200 && !completed.text.includes('<ETag>')) return 'unknown'
    return this.#outcome(completed)
  }

  async get(key: string): Promise<Pick<Answer, 'status' | 'body'>> {
    const answer = await this.#ask({ method: 'GET', path: this.#pathOf(key) })
    return answer ?? { status: 0, body: Buffer.alloc(0) }
  }

  async #ask(plain: Plain): Promise<Answer | undefined> {
    const signing = { pair: this.#pair, mode: 'header', host: this.#wire.host } as const
    try {
      return await this.#wire.ask(sign(plain, { ...signing, nowMs: Date.now() }))
    } catch {
      return undefined
    }
  }

  #pathOf(key: string): string {
    return `/${this.#bucket}/${key}`
  }

  /** The object itself was never asked for, so it cannot be there. */
  #notAsked(answer: Answer | undefined): 'no' {
    this.#outcome(answer)
    return 'no'
  }

  #outcome(answer: Answer | undefined): S3Outcome {
    if (answer === undefined) return 'unknown'
    if (answer.status >= 200 && answer.status < 300) return 'ok'
    if (answer.status >= 500 && answer.status !== 503) return 'unknown'
    this.refusals.push(`${answer.status} ${answer.text.slice(0, 300)}`)
    return 'no'
  }

  [Symbol.dispose](): void {
    this.#wire[Symbol.dispose]()
  }
}
