import { readdirSync, readlinkSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import { apiKey, HoldfastProcess } from '../../target/holdfast-process.ts'
import { hangMs } from './act-out.ts'
import { assets, bodiesBefore, type DoorName, keyBefore, pair } from './requests.ts'

const startsMax = 5

/** What must be as before once the storm is over. */
export interface Counts {
  readonly inFlight: number
  readonly sockets: number
  /** What the server says of its places that are free; empty where there is no limit. */
  readonly places: string
}

/** The server under the storm, as far as the storm and its judges need to know it. */
export interface Besieged {
  readonly ports: Readonly<Record<DoorName, number>>
  /** How it ended; undefined as long as it lives. */
  readonly ended: string | undefined
  /** Lines of its log that tell of what nobody expected. */
  readonly complaints: readonly string[]
  /** Open descriptors that are no sockets. */
  readonly files: number
  /** Rejects when it does not answer within the time that is a hang. */
  ask(door: DoorName, path: string): Promise<Answered>
  counts(): Promise<Counts>
}

export interface Answered {
  readonly status: number
  readonly body: Buffer
  readonly limits: string
}

export interface BesiegedOptions {
  readonly scratch: string
  readonly name: string
  readonly env?: Readonly<Record<string, string>>
}

/** The real `holdfast serve` with its three ports, and some content. */
export class BesiegedProcess implements Besieged {
  readonly #server: HoldfastProcess
  readonly ports: Besieged['ports']
  readonly dataDir: string

  private constructor(server: HoldfastProcess, ports: Besieged['ports'], dataDir: string) {
    this.#server = server
    this.ports = ports
    this.dataDir = dataDir
  }

  static async start({ scratch, name, env = {} }: BesiegedOptions): Promise<BesiegedProcess> {
    const dataDir = join(scratch, name)
    const logFile = join(scratch, `${name}.log`)
    const { server, metrics } = await startWithMetrics({ dataDir, logFile, env })
    const s3 = /S3 on (http:\S+?),/.exec(server.log)?.[1]
    if (s3 === undefined) throw new Error(`no S3 door: ${server.log}`)
    const ports = { rest: portOf(server.url), s3: portOf(s3), metrics }
    const besieged = new BesiegedProcess(server, ports, dataDir)
    for (const [at, length] of bodiesBefore.entries()) {
      const body = makeBody(at + 1, length)
      const { status } = await besieged.#ask('rest', { path: pathBefore(at), put: body })
      if (status !== 201) throw new Error(`${keyBefore(at)} was answered ${status}`)
    }
    return besieged
  }

  get pid(): number {
    return this.#server.pid
  }

  get ended(): string | undefined {
    const { end, log } = this.#server
    if (end === undefined) return undefined
    return `the server ended with ${end.code ?? end.signal}: ${log.slice(-1500)}`
  }

  get complaints(): readonly string[] {
    return complaintsOf(this.#server.log)
  }

  get files(): number {
    return this.#descriptors(isSocket => !isSocket)
  }

  async ask(door: DoorName, path: string): Promise<Answered> {
    return await this.#ask(door, { path })
  }

  async counts(): Promise<Counts> {
    const { body } = await this.ask('metrics', '/metrics')
    const { limits } = await this.ask('rest', pathBefore(0))
    // The connections of both questions are gone at the server, too, or the next look tells.
    const sockets = this.#descriptors(isSocket => isSocket)
    return { inFlight: inFlightOf(String(body)), sockets, places: limits }
  }

  /** SIGTERM; what it ended with. */
  async stop(): Promise<number | null> {
    return (await this.#server.stop()).code
  }

  async kill(): Promise<void> {
    await this.#server.kill()
  }

  #descriptors(counts: (isSocket: boolean) => boolean): number {
    const dir = `/proc/${this.pid}/fd`
    return readdirSync(dir).filter(name => {
      try {
        return counts(readlinkSync(join(dir, name)).startsWith('socket:'))
      } catch {
        // Closed meanwhile.
        return false
      }
    }).length
  }

  async #ask(door: DoorName, { path, put }: { path: string; put?: Uint8Array }): Promise<Answered> {
    const port = this.ports[door]
    const method = put === undefined ? 'GET' : 'PUT'
    const headers = { 'x-api-key': apiKey, connection: 'close', ...lengthOf(put) }
    const agent = new Agent({ keepAlive: false })
    return await new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(hangMs)
      const asked = request({ host: '127.0.0.1', port, method, path, headers, agent, signal })
      asked.on('error', reject).on('response', response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk)).on('error', reject)
        response.on('end', () => {
          const limits = String(response.headers.ratelimit ?? '')
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks), limits })
        })
      })
      asked.end(put)
    })
  }
}

export function pathBefore(at: number): string {
  return `${assets}/${keyBefore(at)}`
}

/** Requests at work, as the metrics tell it. */
export function inFlightOf(metrics: string): number {
  const found = /^http_requests_in_flight (\d+)$/m.exec(metrics)?.[1]
  if (found === undefined) throw new Error('the metrics do not tell of requests in flight')
  return Number(found)
}

/** Lines of errors, and whatever is no line of the log and no word of the command itself. */
export function complaintsOf(log: string): readonly string[] {
  return log.split('\n').filter(line => {
    if (line === '' || /^\S* ?holdfast: |^(?:listening on|stopping; )/.test(line)) return false
    return !/^\{"level":"(?:trace|debug|info|warn)"/.test(line)
  })
}

/** 0 means no port for metrics, so one is found; somebody else may be quicker to take it. */
async function startWithMetrics(options: {
  readonly dataDir: string
  readonly logFile: string
  readonly env: Readonly<Record<string, string>>
}): Promise<{ readonly server: HoldfastProcess; readonly metrics: number }> {
  for (let start = 1; ; start += 1) {
    const metrics = await freePort()
    const env = { ...settings(metrics), ...options.env }
    try {
      return { server: await HoldfastProcess.start({ ...options, env }), metrics }
    } catch (error) {
      if (start === startsMax) throw error
      await sleep(100)
    }
  }
}

function settings(metricsPort: number): Record<string, string> {
  return {
    STORAGE_METRICS_PORT: String(metricsPort),
    STORAGE_S3_ENABLED: 'on',
    STORAGE_S3_PORT: '0',
    STORAGE_BOOTSTRAP_S3_ACCESS_KEY_ID: pair.id,
    STORAGE_BOOTSTRAP_S3_SECRET_ACCESS_KEY: pair.secret,
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}

function lengthOf(body: Uint8Array | undefined): Record<string, number> {
  return body === undefined ? {} : { 'content-length': body.length }
}
