import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Context } from '../../context.ts'
import { answer, type Operations, type Scope, type Sent, sent } from '../../http/exchange.ts'
import type { HealthView } from '../../telemetry/health-probe.ts'

type Names =
  | 'getService'
  | 'getHealth'
  | 'getLiveness'
  | 'getReadiness'
  | 'getStartup'
  | 'getMetrics'
  | 'getHealthMetrics'

/** What monitoring asks. Every answer is from memory: a probe never waits for a slow part. */
export const healthOperations: Pick<Operations, Names> = {
  getService: async ({ context }) => ({
    service: context.settings.serviceName,
    version: context.version,
    environment: context.settings.environment,
    status: 'running',
    docs: '/api/v2/docs',
  }),

  getHealth: async exchange => {
    const { context } = exchange
    const { view } = context.health
    const timestamp = now(context)
    return await answer(exchange, statusOf(exchange), {
      status: shownStatus(exchange),
      service: context.settings.serviceName,
      version: context.version,
      environment: context.settings.environment,
      uptime: uptime(context),
      time: timestamp,
      timestamp,
      checked_at: view.checkedAt,
      checks: checks(view),
      components: view.parts,
    })
  },

  getLiveness: async ({ context }) => ({
    status: 'alive',
    service: context.settings.serviceName,
    uptime: uptime(context),
    timestamp: now(context),
  }),

  getReadiness: async exchange => {
    const { context } = exchange
    const { view } = context.health
    return await answer(exchange, statusOf(exchange), {
      status: shownStatus(exchange),
      service: context.settings.serviceName,
      timestamp: now(context),
      checks: checks(view),
      dependencies: view.parts,
    })
  },

  // The port opens when start and recovery are done, so whoever gets an answer gets this one.
  getStartup: async ({ context }) => ({
    status: 'started',
    service: context.settings.serviceName,
    timestamp: now(context),
  }),

  getMetrics: async exchange => await metrics(exchange),
  getHealthMetrics: async exchange => await metrics(exchange),
}

async function metrics({ context, reply }: Scope): Promise<Sent> {
  if (!context.settings.metricsEnabled) throw new HoldfastError('ROUTE_NOT_FOUND')
  await reply.type(context.metrics.contentType).send(await context.metrics.text())
  return sent
}

function shownStatus({ context }: Scope): HealthView['status'] {
  return context.load.stopping ? 'not_ready' : context.health.view.status
}

function statusOf(scope: Scope): number {
  return shownStatus(scope) === 'not_ready' ? 503 : 200
}

function checks({ parts }: HealthView) {
  const { database, storage, disk, redis, audit } = parts
  return {
    database: database.status,
    storage: storage.status,
    disk: disk.status,
    redis: redis.status,
    audit: audit.status,
  }
}

function now({ clock }: Context): string {
  return new Date(clock.now()).toISOString()
}

function uptime({ clock, startedMs }: Context): number {
  return Math.round((clock.monotonic() - startedMs) / 10) / 100
}
