import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
} from 'node:http'

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

/** A request of which half is sent. */
export interface Held {
  /** The answer of a server that did not ask for the body. */
  readonly early: Answer | undefined
  /** Sends the rest. */
  finish(): Promise<Answer>
}

/** A client that hides nothing and retries nothing. */
export class Wire implements Disposable {
  readonly #url: URL
  readonly #agent: Agent
  readonly #msMax: number

  /** Without `keepAlive` no request meets the end of a connection that was idle for long. */
  constructor(url: string, keepAlive = true, most = { sockets: 32, ms: 30_000 }) {
    this.#url = new URL(url)
    this.#agent = new Agent({ keepAlive, maxSockets: most.sockets })
    this.#msMax = most.ms
  }

  /** The same, for many that are held at once. */
  forMany(): Wire {
    return new Wire(this.#url.href, false, { sockets: Number.POSITIVE_INFINITY, ms: 300_000 })
  }

  get host(): string {
    return this.#url.host
  }

  async ask(asked: Asked): Promise<Answer> {
    const { method, path, body } = asked
    return await new Promise((resolve, reject) => {
      const sending = this.#begin(asked, this.#agent)
      sending.on('error', cause => reject(new Error(`${method} ${path}`, { cause })))
      sending.on('response', response => resolve(answerOf(response)))
      sending.end(body)
    })
  }

  /**
   * Sends the head, on a connection of its own, and once the server asks for the body, half of
   * that: whoever sends it is known by then.
   */
  async hold(asked: Asked): Promise<Held> {
    const { method, path, body = new Uint8Array() } = asked
    const headers = { ...asked.headers, expect: '100-continue' }
    const sending = this.#begin({ ...asked, headers }, false)
    const answered = new Promise<Answer>((resolve, reject) => {
      sending.on('error', cause => reject(new Error(`${method} ${path}`, { cause })))
      sending.on('response', response => resolve(answerOf(response)))
    })
    const asksForBody = new Promise<undefined>(resolve => {
      sending.on('continue', () => resolve(undefined))
    })
    sending.flushHeaders()
    const early = await Promise.race([answered, asksForBody])
    const half = Math.floor(body.length / 2)
    if (early === undefined) sending.write(body.subarray(0, half))
    const finish = async () => {
      if (early === undefined) sending.end(body.subarray(half))
      return await answered
    }
    return { early, finish }
  }

  #begin({ method, path, headers = {}, body }: Asked, agent: Agent | false): ClientRequest {
    const { hostname, port } = this.#url
    const counted = method === 'PUT' || method === 'POST' || body !== undefined
    const named = Object.keys(headers).map(name => name.toLowerCase())
    const given = named.includes('content-length') || named.includes('transfer-encoding')
    const length = counted && !given ? { 'content-length': body?.length ?? 0 } : {}
    return request({
      ...{ hostname, port, method, path, agent },
      headers: { ...headers, ...length },
      signal: AbortSignal.timeout(this.#msMax),
    })
  }

  /** So that the next request does not meet the end of a connection that was idle for long. */
  hangUp(): void {
    this.#agent.destroy()
  }

  [Symbol.dispose](): void {
    this.hangUp()
  }
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const fields = Object.entries(response.headers)
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(fields.map(([name, value]) => [name, String(value)])),
    names: response.rawHeaders.filter((_, at) => at % 2 === 0).map(name => name.toLowerCase()),
    body,
    text: body.toString(),
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
