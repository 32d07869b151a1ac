import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as a client of others sent it, with the status that it got. */
export interface Recorded {
  readonly client: string
  readonly method: string
  readonly path: string
  /** Lower-case names, in order. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer
  readonly status: number
}

/** Of the connection or of the moment: no client signs them. */
const dropped = new Set(['connection', 'expect', 'transfer-encoding', 'keep-alive'])

/**
 * Stands before the server and writes down what passes. It hands everything on as it came, `Host`
 * included, so that signatures stay good.
 */
export class Recorder implements AsyncDisposable {
  readonly recorded: Recorded[] = []
  client = ''
  readonly #server = createServer((incoming, outgoing) => {
    this.#pass(incoming, outgoing).catch(() => outgoing.destroy())
  })
  readonly #target: string

  private constructor(target: string) {
    this.#target = target
  }

  static async before(target: string): Promise<Recorder> {
    const recorder = new Recorder(target)
    recorder.#server.on('checkContinue', (incoming, outgoing) => {
      outgoing.writeContinue()
      recorder.#server.emit('request', incoming, outgoing)
    })
    await new Promise<void>(resolve => recorder.#server.listen(0, '127.0.0.1', resolve))
    return recorder
  }

  get url(): string {
    const address = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${address.port}`
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const { method = 'GET', url = '/', rawHeaders } = incoming
    const headers: [string, string][] = []
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = (rawHeaders[at] ?? '').toLowerCase()
      if (!dropped.has(name)) headers.push([name, rawHeaders[at + 1] ?? ''])
    }
    const asked = { client: this.client, method, path: url, headers, body }
    const answer = await send(this.#target, asked)
    this.recorded.push({ ...asked, status: answer.status })
    outgoing.writeHead(answer.status, answer.headers)
    outgoing.end(answer.body)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

interface Heard {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** Sends it as it is, byte for byte. */
export async function send(
  target: string,
  { method, path, headers, body }: Omit<Recorded, 'status' | 'client'>,
): Promise<Heard> {
  const { hostname, port } = new URL(target)
  const named = headers.some(([name]) => name === 'content-length')
  const counted = named || (body.length === 0 && !/PUT|POST/.test(method))
  const flat = headers.flat()
  if (!counted) flat.push('content-length', String(body.length))
  return await new Promise((resolve, reject) => {
    const sending = request({ hostname, port, method, path, headers: flat, agent: false })
    sending.on('error', reject)
    sending.on('response', response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const whole = Buffer.concat(chunks)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole })
      })
    })
    sending.end(body)
  })
}
