import type { AssetStats } from '@holdfast/core/ports/asset-questions.ts'
import type { BlobTotals } from '@holdfast/core/ports/catalog.ts'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { HealthView, PartState } from './health-probe.ts'
import { type IdentityFigures, IdentityMetrics } from './identity-metrics.ts'
import { RequestTallies } from './request-tallies.ts'

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600]

/** What is known at the moment of a scrape. */
export interface StoreFigures {
  /** Totals, and those of the largest services. */
  readonly stats: Pick<AssetStats, 'assets' | 'bytes' | 'services'>
  readonly blobs: BlobTotals
  /** Blobs known to be damaged or missing. */
  readonly damaged: number
  readonly freeBytes: number
  readonly totalBytes: number
  readonly parts: HealthView['parts']
  readonly identity: IdentityFigures
  /** Requests at work. */
  readonly active: number
  /** Open ones, how many there may be, and those cut since the start for that. */
  readonly connections: {
    readonly open: number
    readonly max: number
    readonly closed: { readonly idle: number; readonly refused: number }
  }
  /** Where limits are counted in Redis. */
  readonly redis: { readonly isUp: boolean; readonly missed: number } | undefined
  /** When the certificate of TLS ends, Unix milliseconds, where it is served directly. */
  readonly certificateEndsMs: number | undefined
}

/** All metrics of one server. Labels are bounded: operations, statuses, codes, service names. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #figures: () => Promise<StoreFigures>

  readonly requests = new RequestTallies()
  readonly #inFlight = new Gauge({
    name: 'http_requests_in_flight',
    help: 'Requests at work.',
    registers: [this.#registry],
  })
  readonly #connections = new Gauge({
    name: 'storage_connections',
    help: 'Connections of all doors, and how many there may be.',
    labelNames: ['state'],
    registers: [this.#registry],
  })
  readonly #closed = new Counter({
    name: 'storage_connections_closed_total',
    help: 'Connections closed because there were as many as there may be: idle ones and newcomers.',
    labelNames: ['which'],
    registers: [this.#registry],
  })
  readonly errors = new Counter({
    name: 'storage_errors_total',
    help: 'Refusals and failures by code.',
    labelNames: ['code'],
    registers: [this.#registry],
  })
  readonly limited = new Counter({
    name: 'storage_limited_total',
    help: 'Requests refused by a limit on callers, by its name.',
    labelNames: ['policy'],
    registers: [this.#registry],
  })
  readonly #redis = new Gauge({
    name: 'redis_connection_status',
    help: 'Whether Redis counts limits: 1 yes, 0 no. No sample: none is used.',
    // Without labels there would be a sample of 0 from the start.
    labelNames: ['use'],
    registers: [this.#registry],
  })
  readonly #missed = new Counter({
    name: 'storage_limits_without_redis_total',
    help: 'Questions about limits that Redis did not answer.',
    registers: [this.#registry],
  })
  readonly #certificate = new Gauge({
    name: 'tls_certificate_valid_until_timestamp_seconds',
    help: 'When the certificate of the server ends. No sample: TLS is not served here.',
    // Without labels there would be a sample of 0 from the start.
    labelNames: ['use'],
    registers: [this.#registry],
  })
  readonly identity = new IdentityMetrics(this.#registry)
  readonly #up = new Gauge({
    name: 'storage_component_up',
    help: 'Whether a part works: 1 up, 0.5 degraded, 0 down. No sample: it is not used.',
    labelNames: ['component'],
    registers: [this.#registry],
  })
  readonly #usage = new Gauge({
    name: 'storage_usage_bytes',
    help: 'Bytes of current content by service and storage class.',
    labelNames: ['service', 'class'],
    registers: [this.#registry],
  })
  readonly #assets = new Gauge({
    name: 'storage_assets',
    help: 'Assets that are not deleted, by service.',
    labelNames: ['service'],
    registers: [this.#registry],
  })
  readonly #blobs = new Gauge({
    name: 'storage_blobs',
    help: 'Stored blobs; dead ones wait for garbage collection.',
    labelNames: ['state'],
    registers: [this.#registry],
  })
  readonly #damaged = new Gauge({
    name: 'storage_damaged_blobs',
    help: 'Blobs known to be damaged or missing, until good bytes take their place.',
    registers: [this.#registry],
  })
  readonly #blobBytes = new Gauge({
    name: 'storage_blob_bytes',
    help: 'Bytes of all stored blobs.',
    registers: [this.#registry],
  })
  readonly #deadBytes = new Gauge({
    name: 'storage_dead_blob_bytes',
    help: 'Bytes that nothing refers to any more; they stay for the grace period, and weigh on no quota.',
    registers: [this.#registry],
  })
  readonly #disk = new Gauge({
    name: 'storage_element_bytes',
    help: 'Space of the element.',
    labelNames: ['state'],
    registers: [this.#registry],
  })

  // Backups come later; dashboards and alarms can name them already.
  readonly backups = new Gauge({
    name: 'backup_status',
    help: 'Whether the last backup succeeded: 1 yes, 0 no. No sample: none was made.',
    labelNames: ['type'],
    registers: [this.#registry],
  })
  readonly backupSeconds = new Histogram({
    name: 'backup_duration_seconds',
    help: 'Time that backups took.',
    labelNames: ['type'],
    buckets: SECONDS,
    registers: [this.#registry],
  })

  constructor(figures: () => Promise<StoreFigures>) {
    this.#figures = figures
    // Alarms are made of these: a counter that appears with 1 has not risen.
    for (const policy of ['login', 'credentials']) this.limited.inc({ policy }, 0)
    collectDefaultMetrics({ register: this.#registry })
    // promtool refuses gauges whose names end in _total.
    for (const part of ['handles', 'requests', 'resources']) {
      this.#registry.removeSingleMetric(`nodejs_active_${part}_total`)
    }
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  async text(): Promise<string> {
    const { stats, blobs, damaged, ...others } = await this.#figures()
    const { freeBytes, totalBytes, active, redis, parts, identity, certificateEndsMs } = others
    this.#inFlight.set(active)
    this.#setConnections(others.connections)
    this.identity.set(identity)
    this.#up.reset()
    for (const [component, { status }] of Object.entries(parts)) {
      const value = UP[status]
      if (value !== undefined) this.#up.set({ component }, value)
    }
    this.#setServices(stats)
    this.#blobs.set({ state: 'live' }, blobs.blobs - blobs.deadBlobs)
    this.#blobs.set({ state: 'dead' }, blobs.deadBlobs)
    this.#blobBytes.set(blobs.bytes)
    this.#deadBytes.set(blobs.dead)
    this.#damaged.set(damaged)
    if (redis !== undefined) this.#redis.set({ use: 'limits' }, redis.isUp ? 1 : 0)
    if (certificateEndsMs !== undefined) {
      this.#certificate.set({ use: 'server' }, certificateEndsMs / 1000)
    }
    this.#missed.reset()
    this.#missed.inc(redis?.missed ?? 0)
    this.#disk.set({ state: 'free' }, freeBytes)
    this.#disk.set({ state: 'total' }, totalBytes)
    return `${await this.#registry.metrics()}\n${this.requests.text()}`
  }

  #setConnections({ open, max, closed }: StoreFigures['connections']): void {
    this.#connections.set({ state: 'open' }, open)
    this.#connections.set({ state: 'max' }, max)
    this.#closed.reset()
    this.#closed.inc({ which: 'idle' }, closed.idle)
    this.#closed.inc({ which: 'newcomer' }, closed.refused)
  }

  /** Services are named by callers, so their number is cut: a label for each would not end. */
  #setServices({ services, ...rest }: StoreFigures['stats']): void {
    this.#usage.reset()
    this.#assets.reset()
    const largest = Object.entries(services).sort(([, one], [, other]) => other.bytes - one.bytes)
    for (const [service, { bytes, assets }] of largest.slice(0, SERVICES_MAX)) {
      this.#usage.set({ service, class: 'hot' }, bytes)
      this.#assets.set({ service }, assets)
      rest.bytes -= bytes
      rest.assets -= assets
    }
    if (rest.assets === 0) return
    this.#usage.inc({ service: OTHERS, class: 'hot' }, rest.bytes)
    this.#assets.inc({ service: OTHERS }, rest.assets)
  }
}

const UP: Readonly<Record<PartState, number | undefined>> = {
  up: 1,
  degraded: 0.5,
  down: 0,
  disabled: undefined,
}
const SERVICES_MAX = 100
const OTHERS = 'other'
