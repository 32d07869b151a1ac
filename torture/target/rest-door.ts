import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { apiKey } from './holdfast-process.ts'

/** `ok`: a whole success. `no`: refused, nothing happened. `unknown`: it may have happened. */
export type Outcome = 'ok' | 'no' | 'unknown'

export interface Answer {
  readonly outcome: Outcome
  /** 0 when no whole answer came. */
  readonly status: number
  /** Error code of the problem body, or what broke the connection. */
  readonly code: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Ask {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Path and query, encoded. */
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Uint8Array
  readonly json?: unknown
}

const msMax = 60_000
/** In place of a code of the system: no answer came in that time. */
const HANGS = 'no answer in a minute'
/** These say that it is not known what happened; any other code says that nothing did. */
const openCodes: ReadonlySet<string> = new Set(['OUTCOME_UNKNOWN', 'INTERNAL', ''])

/** The REST door, without retries: every request is one line of the history. */
export class RestDoor implements Disposable {
  readonly #url: URL
  readonly #agent: Agent
  readonly bucket: string
  /** True once a connection was refused, or an answer did not come: the server is gone or hangs. */
  closed = false
  #hangs = false

  constructor(url: string, { sockets = 16, bucket = 'holdfast' } = {}) {
    this.#url = new URL(url)
    this.#agent = new Agent({ keepAlive: true, maxSockets: sockets })
    this.bucket = bucket
  }

  /** Path of a key in the bucket. */
  pathOf(key: string): string {
    const segments = key.split('/').map(encodeURIComponent).join('/')
    return `/api/v2/buckets/${this.bucket}/assets/${segments}`
  }

  /** Never throws: a broken connection is an answer too. After one hang nothing is waited for. */
  async ask({ method, path, headers, body, json }: Ask): Promise<Answer> {
    const bytes = json === undefined ? body : Buffer.from(JSON.stringify(json))
    return await new Promise(resolve => {
      const broken = (code: string) => {
        if (code === HANGS) this.#hangs = true
        if (code === 'ECONNREFUSED' || this.#hangs) this.closed = true
        resolve({ outcome: 'unknown', status: 0, code, headers: {}, body: Buffer.alloc(0) })
      }
      const asked = request({
        agent: this.#agent,
        host: this.#url.hostname,
        port: this.#url.port,
        method,
        path,
        headers: {
          'x-api-key': apiKey,
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...(bytes === undefined ? {} : { 'content-length': bytes.length }),
          ...headers,
        },
      })
      const timer = setTimeout(
        () => {
          broken(HANGS)
          asked.destroy()
        },
        this.#hangs ? 0 : msMax,
      )
      asked.on('close', () => {
        clearTimeout(timer)
        // An answer that began may still be read, and says itself how it ended.
        if (!hasBegun) broken('CLOSED')
      })
      asked.on('error', error => broken(codeOfError(error)))
      let hasBegun = false
      asked.on('response', response => {
        hasBegun = true
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('error', error => broken(codeOfError(error)))
        response.on('close', () => broken('ABORTED'))
        response.on('end', () => {
          if (!response.complete) return
          const whole = Buffer.concat(chunks)
          const status = response.statusCode ?? 0
          resolve({ ...judge(status, whole), status, headers: response.headers, body: whole })
        })
      })
      asked.end(bytes)
    })
  }

  async get(path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    return await this.ask({ method: 'GET', path, headers })
  }

  /** The JSON of a GET that must succeed. */
  async json<T>(path: string): Promise<T> {
    const { status, body, code } = await this.get(path)
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${code} ${body}`)
    return JSON.parse(String(body))
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

function judge(status: number, body: Buffer): { outcome: Outcome; code: string } {
  if (status >= 200 && status < 300) return { outcome: 'ok', code: '' }
  const code = codeOfBody(body)
  const refused = status >= 400 && (status < 500 || !openCodes.has(code))
  return { outcome: refused ? 'no' : 'unknown', code }
}

function codeOfBody(body: Buffer): string {
  try {
    return String(JSON.parse(String(body)).code ?? '')
  } catch {
    return ''
  }
}

function codeOfError(error: Error): string {
  return 'code' in error ? String(error.code) : error.name
}
