import { readdirSync, readlinkSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import { type CertificateFiles, makeCertificate } from '../../target/certificate.ts'
import { apiKey, HoldfastProcess } from '../../target/holdfast-process.ts'
import { hangMs } from './act-out.ts'
import { assets, bodiesBefore, bucket, type DoorName, keyBefore, pair } from './requests.ts'

const startsMax = 5
/** More than any storm brings: bodies are weighed on their way where there is a quota at all. */
const plentyBytes = 2 ** 50

/** What must be as before once the storm is over. */
export interface Counts {
  readonly inFlight: number
  readonly sockets: number
  /** Files of bodies on their way: their names, and what is open of them. */
  readonly staged: number
  /** What the server says of its places that are free; empty where there is no limit. */
  readonly places: string
}

/** The server under the storm, as far as the storm and its judges need to know it. */
export interface Besieged {
  readonly ports: Readonly<Record<DoorName, number>>
  /** Certificate of its doors, which then speak TLS; the port for metrics never does. */
  readonly ca?: Buffer | undefined
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
  readonly isTls?: boolean
}

/** The real `holdfast serve` with its three ports, and some content. */
export class BesiegedProcess implements Besieged {
  readonly #server: HoldfastProcess
  readonly ports: Besieged['ports']
  readonly dataDir: string
  readonly ca: Buffer | undefined

  private constructor(
    server: HoldfastProcess,
    place: Pick<BesiegedProcess, 'dataDir' | 'ca' | 'ports'>,
  ) {
    this.#server = server
    this.ports = place.ports
    this.dataDir = place.dataDir
    this.ca = place.ca
  }

  static async start(options: BesiegedOptions): Promise<BesiegedProcess> {
    const { scratch, name, isTls = false } = options
    const dataDir = join(scratch, name)
    const logFile = join(scratch, `${name}.log`)
    const pair = isTls ? makeCertificate(scratch, name) : undefined
    const env = { ...options.env, ...(pair === undefined ? {} : tlsSettings(pair)) }
    const { server, metrics } = await startWithMetrics({ dataDir, logFile, env })
    const s3 = /S3 on (https?:\S+?),/.exec(server.log)?.[1]
    if (s3 === undefined) throw new Error(`no S3 door: ${server.log}`)
    const ports = { rest: portOf(server.url), s3: portOf(s3), metrics }
    const besieged = new BesiegedProcess(server, { ports, dataDir, ca: pair?.ca })
    await besieged.limit(null)
    for (const [at, length] of bodiesBefore.entries()) {
      const { status } = await besieged.put(keyBefore(at), makeBody(at + 1, length))
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
    return this.#descriptors(place => !isSocket(place))
  }

  async ask(door: DoorName, path: string): Promise<Answered> {
    return await this.#ask(door, { path })
  }

  /** Without a length, as nobody tells one of a body that is to weigh while it comes. */
  async put(key: string, body: Uint8Array): Promise<Answered> {
    return await this.#ask('rest', { path: `${assets}/${key}`, put: body })
  }

  /** Lets the bucket keep so many bytes more than it does now; null for as many as it likes. */
  async limit(bytesMore: number | null): Promise<void> {
    const path = `/api/v2/quotas/bucket/${bucket}`
    let kept = 0
    if (bytesMore !== null) {
      const { body } = await this.ask('rest', path)
      kept = JSON.parse(String(body)).usage.bytes
    }
    const put = Buffer.from(JSON.stringify({ bytes_max: kept + (bytesMore ?? plentyBytes) }))
    const { status, body } = await this.#ask('rest', { path, put, type: 'application/json' })
    if (status !== 200 && status !== 201) throw new Error(`the quota: ${status} ${body}`)
  }

  async counts(): Promise<Counts> {
    const { body } = await this.ask('metrics', '/metrics')
    const { limits } = await this.ask('rest', pathBefore(0))
    // The connections of both questions are gone at the server, too, or the next look tells.
    const sockets = this.#descriptors(isSocket)
    const temp = join(this.dataDir, 'tmp')
    const open = this.#descriptors(place => place.startsWith(`${temp}/`))
    const staged = readdirSync(temp).length + open
    return { inFlight: inFlightOf(String(body)), sockets, staged, places: limits }
  }

  /** SIGTERM; what it ended with. */
  async stop(): Promise<number | null> {
    return (await this.#server.stop()).code
  }

  async kill(): Promise<void> {
    await this.#server.kill()
  }

  #descriptors(counts: (place: string) => boolean): number {
    const dir = `/proc/${this.pid}/fd`
    return readdirSync(dir).filter(name => {
      try {
        return counts(readlinkSync(join(dir, name)))
      } catch {
        // Closed meanwhile.
        return false
      }
    }).length
  }

  async #ask(door: DoorName, { path, put, type }: Question): Promise<Answered> {
    const { ca } = this
    const isTls = ca !== undefined && door !== 'metrics'
    const method = put === undefined ? 'GET' : 'PUT'
    const headers = {
      ...{ 'x-api-key': apiKey, connection: 'close' },
      ...(type === undefined ? {} : { 'content-type': type }),
    }
    const agent = isTls ? new TlsAgent({ keepAlive: false }) : new Agent({ keepAlive: false })
    return await new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(hangMs)
      const place = { host: '127.0.0.1', port: this.ports[door], method, path, headers }
      const options = { ...place, agent, signal, ca }
      const asked = isTls ? tlsRequest(options) : request(options)
      asked.on('error', reject).on('response', response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk)).on('error', reject)
        response.on('end', () => {
          const limits = String(response.headers.ratelimit ?? '')
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks), limits })
        })
      })
      if (put !== undefined) asked.write(put)
      asked.end()
    })
  }
}

interface Question {
  readonly path: string
  readonly put?: Uint8Array
  readonly type?: string
}

function isSocket(place: string): boolean {
  return place.startsWith('socket:')
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

function tlsSettings({ certFile, keyFile }: CertificateFiles): Record<string, string> {
  return { STORAGE_TLS_CERT_FILE: certFile, STORAGE_TLS_KEY_FILE: keyFile }
}
