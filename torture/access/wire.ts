import { Agent, type OutgoingHttpHeaders, request } from 'node:http'

/** A request as it is to go out: nothing is added but `host` and the length of the body. */
export interface Asked {
  readonly method: string
  /** Path and query, as they stand on the request line. */
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Uint8Array | undefined
}

export interface Answer {
  readonly status: number
  /** Values by lower-case name, repeated ones joined. */
  readonly headers: Readonly<Record<string, string>>
  /** Names in the order in which they came. */
  readonly names: readonly string[]
  readonly body: Buffer
  readonly text: string
}

const msMax = 30_000

/** A client that hides nothing and retries nothing. */
export class Wire implements Disposable {
  readonly #url: URL
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32 })

  constructor(url: string) {
    this.#url = new URL(url)
  }

  get host(): string {
    return this.#url.host
  }

  async ask({ method, path, headers = {}, body }: Asked): Promise<Answer> {
    const { hostname, port } = this.#url
    const counted = method === 'PUT' || method === 'POST' || body !== undefined
    const named = Object.keys(headers).map(name => name.toLowerCase())
    const given = named.includes('content-length') || named.includes('transfer-encoding')
    const length = counted && !given ? { 'content-length': body?.length ?? 0 } : {}
    return await new Promise((resolve, reject) => {
      const sending = request({
        ...{ hostname, port, method, path },
        agent: this.#agent,
        headers: { ...headers, ...length },
        signal: AbortSignal.timeout(msMax),
      })
      sending.on('error', cause => reject(new Error(`${method} ${path}`, { cause })))
      sending.on('response', response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const whole = Buffer.concat(chunks)
          const fields = Object.entries(response.headers)
          resolve({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(fields.map(([name, value]) => [name, String(value)])),
            names: response.rawHeaders
              .filter((_, at) => at % 2 === 0)
              .map(name => name.toLowerCase()),
            body: whole,
            text: whole.toString(),
          })
        })
      })
      sending.end(body)
    })
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

// JSON as it comes: whoever reads it looks into it.
export type Tree = ReturnType<typeof JSON.parse>

export function jsonOf({ text }: Answer): Tree {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
