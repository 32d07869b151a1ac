import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Element } from '@holdfast/core/ports/element.ts'

export type PartState = 'up' | 'degraded' | 'down' | 'disabled'

export interface PartHealth {
  readonly status: PartState
  readonly critical: boolean
  readonly latency_ms: number | null
  readonly reason: string
}

type PartName = 'database' | 'storage' | 'disk' | 'redis' | 'audit'

export interface HealthView {
  readonly status: 'ready' | 'degraded' | 'not_ready'
  readonly checkedAt: string | null
  readonly parts: Readonly<Record<PartName, PartHealth>>
  readonly freeBytes: number
  readonly totalBytes: number
}

export interface ProbeOptions {
  readonly catalog: Catalog
  readonly element: Element
  readonly clock: Clock
  /** What is to be said of Redis; undefined where none is used. */
  readonly redis: () => { readonly isUp: boolean; readonly isCritical: boolean } | undefined
  /** Whether the audit log was found broken since the start. */
  readonly audit: () => boolean
  readonly everyMs: number
  readonly onChange: (view: HealthView) => void
}

const TIMEOUT_MS = 5_000
const unknown: PartHealth = {
  status: 'down',
  critical: true,
  latency_ms: null,
  reason: 'not checked yet',
}
const noRedis: PartHealth = {
  status: 'disabled',
  critical: false,
  latency_ms: null,
  reason: 'not used: this process counts for itself',
}

/** Asks the parts in the background; whoever asks about health gets what was found last. */
export class HealthProbe {
  readonly #options: ProbeOptions
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #view: HealthView = {
    status: 'not_ready',
    checkedAt: null,
    parts: {
      ...{ database: unknown, storage: unknown, disk: unknown, redis: noRedis },
      audit: auditHealth(false),
    },
    freeBytes: 0,
    totalBytes: 0,
  }

  constructor(options: ProbeOptions) {
    this.#options = options
  }

  get view(): HealthView {
    return this.#view
  }

  /** Resolves after the first round. */
  async start(): Promise<void> {
    await this.check()
    this.#running = this.#repeat()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** One round now. */
  async check(): Promise<HealthView> {
    const { clock } = this.#options
    const [database, element] = await Promise.all([this.#catalog(), this.#element()])
    const { storage, disk, freeBytes, totalBytes } = element
    const audit = auditHealth(this.#options.audit())
    const parts = { database, storage, disk, redis: this.#redis(), audit }
    const before = this.#view
    this.#view = {
      status: statusOf(Object.values(parts)),
      checkedAt: new Date(clock.now()).toISOString(),
      parts,
      freeBytes,
      totalBytes,
    }
    // The first good answer is no news.
    const expected = before.checkedAt === null ? 'ready' : before.status
    if (expected !== this.#view.status) this.#options.onChange(this.#view)
    return this.#view
  }

  async #repeat(): Promise<void> {
    const { clock, everyMs } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      const slept = await clock.sleep(everyMs, signal).then(
        () => true,
        () => false,
      )
      if (slept) await this.check()
    }
  }

  async #catalog(): Promise<PartHealth> {
    const { clock, catalog } = this.#options
    const since = clock.monotonic()
    const found = await this.#inTime(catalog.probe())
    const status = found?.state ?? 'down'
    return part(status, found?.reason ?? 'does not answer', clock.monotonic() - since)
  }

  async #element(): Promise<{
    storage: PartHealth
    disk: PartHealth
    freeBytes: number
    totalBytes: number
  }> {
    const { clock, element } = this.#options
    const since = clock.monotonic()
    const found = await this.#inTime(element.probe())
    const took = clock.monotonic() - since
    if (found === undefined) {
      const down = part('down', 'does not answer', took)
      return { storage: down, disk: down, freeBytes: 0, totalBytes: 0 }
    }
    const { state, reason, freeBytes, totalBytes } = found
    // Full is not ready: reads work, but nothing new can be sent here.
    const storage = part(state === 'full' ? 'degraded' : state, reason, took)
    const disk = part(state === 'full' ? 'down' : storage.status, reason, null)
    return { storage, disk, freeBytes, totalBytes }
  }

  /** Where it is and what it says stands in the log: anybody may ask for this. */
  #redis(): PartHealth {
    const found = this.#options.redis()
    if (found === undefined) return noRedis
    const { isUp, isCritical: critical } = found
    if (isUp) return { status: 'up', critical, latency_ms: null, reason: 'counts limits' }
    const instead = critical ? 'what has a limit is refused' : 'each process counts for itself'
    const reason = `does not answer: ${instead}`
    return { status: 'down', critical, latency_ms: null, reason }
  }

  async #inTime<T>(question: Promise<T>): Promise<T | undefined> {
    const stop = new AbortController()
    const late = this.#options.clock.sleep(TIMEOUT_MS, stop.signal).catch(() => undefined)
    try {
      return await Promise.race([question, late.then(() => undefined)])
    } catch {
      return undefined
    } finally {
      stop.abort()
    }
  }
}

/** What is wrong with it stands in the log and for auditors: anybody may ask for this. */
function auditHealth(isBroken: boolean): PartHealth {
  const reason = isBroken ? 'the log was found broken: see the log of the server' : 'goes on'
  return { status: isBroken ? 'degraded' : 'up', critical: false, latency_ms: null, reason }
}

function part(status: PartState, reason: string, latencyMs: number | null): PartHealth {
  const latency = latencyMs === null ? null : Math.round(latencyMs * 100) / 100
  return { status, critical: true, latency_ms: latency, reason }
}

function statusOf(parts: readonly PartHealth[]): HealthView['status'] {
  if (parts.some(({ status, critical }) => critical && status === 'down')) return 'not_ready'
  const isWorse = ({ status }: PartHealth) => status === 'degraded' || status === 'down'
  return parts.some(isWorse) ? 'degraded' : 'ready'
}
