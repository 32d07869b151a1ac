import { Agent, type IncomingMessage, request } from 'node:http'
import { request as requestTls, Agent as TlsAgent } from 'node:https'

const ANSWER_MS = 60_000

export interface Answered {
  readonly status: number
  readonly length: number
  readonly body: Buffer
}

/** A bucket of a server, asked over connections that stay open: the load is the requests. */
export class LoadTarget implements Disposable {
  readonly #base: URL
  readonly #key: string | undefined
  readonly #agent: Agent

  constructor(base: URL, options: { key: string | undefined; connections: number }) {
    const keeping = { keepAlive: true, maxSockets: options.connections }
    this.#base = base
    this.#key = options.key
    this.#agent = base.protocol === 'https:' ? new TlsAgent(keeping) : new Agent(keeping)
  }

  ask(method: string, path: string, body?: Buffer): Promise<Answered> {
    const send = this.#base.protocol === 'https:' ? requestTls : request
    const key = this.#key === undefined ? {} : { 'x-api-key': this.#key }
    const length = body === undefined ? {} : { 'content-length': body.length }
    return new Promise((resolve, reject) => {
      const sending = send(
        new URL(path, this.#base),
        { method, agent: this.#agent, headers: { ...key, ...length } },
        answer => take(answer, resolve, reject),
      )
      sending.setTimeout(ANSWER_MS, () => sending.destroy(new Error('no answer in a minute')))
      sending.on('error', reject)
      sending.end(body)
    })
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

function take(
  answer: IncomingMessage,
  resolve: (answered: Answered) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Buffer[] = []
  answer.on('data', (chunk: Buffer) => chunks.push(chunk))
  answer.on('error', reject)
  answer.on('end', () => {
    const length = Number(answer.headers['content-length'] ?? 0)
    resolve({ status: answer.statusCode ?? 0, length, body: Buffer.concat(chunks) })
  })
}
