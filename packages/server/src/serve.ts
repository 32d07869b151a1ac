import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { watchDirectory } from '@holdfast/engine/identity/outside/directory/recheck.ts'
import { dropAuditsDaily } from './composition/audit.ts'
import { collectSometimes } from './composition/collect-sometimes.ts'
import { BACKLOG, listen, warnOfPort } from './composition/listen.ts'
import { type Context, type ContextOptions, openContext } from './context.ts'
import { healthOperations } from './doors/health/operations.ts'
import { directGets } from './doors/rest/direct/direct-gets.ts'
import { directPuts } from './doors/rest/direct/direct-puts.ts'
import { PlainContents } from './doors/rest/direct/plain-content.ts'
import { PlainPuts } from './doors/rest/direct/plain-puts.ts'
import { quickGets } from './doors/rest/direct/quick-gets.ts'
import { quickPuts } from './doors/rest/direct/quick-puts.ts'
import { restOperations } from './doors/rest/operations.ts'
import { statusOf } from './doors/rest/statuses.ts'
import { openS3 } from './doors/s3/open-s3.ts'
import { KEEP_ALIVE_MS, openHttp, type Shortcuts } from './http/open-http.ts'
import { registerRoutes } from './http/register-routes.ts'
import { metricsServer } from './telemetry/metrics-server.ts'

export interface ServeOptions extends ContextOptions {
  /** Told once, when requests are taken. */
  readonly onListening?: (started: Started) => void
}

export interface Started {
  /** Such as `http://127.0.0.1:8005`. */
  readonly url: string
  /** Of the S3 interface; undefined where it is switched off. */
  readonly s3Url: string | undefined
}

export interface RunningServer extends Started {
  readonly context: Context
  /**
   * Takes no more requests, lets running ones finish up to the limit of the settings, closes the
   * store. Calling it again waits for the same end.
   */
  stop(): Promise<void>
}

const DRAIN_STEP_MS = 20
/** How long requests whose connections were cut may take to end. */
const CUT_MS = 5_000
const S3_PORT = 8006

function shortcutsOf(context: Context): Shortcuts {
  const contents = new PlainContents(context)
  const gets = directGets(context, contents)
  const plainPuts = new PlainPuts(context)
  const puts = directPuts(context, plainPuts)
  return {
    direct: exchange => {
      return !context.limits.concerns(exchange.request) && (gets(exchange) || puts(exchange))
    },
    quick: quickGets(context, contents, KEEP_ALIVE_MS),
    quickPut: quickPuts(context, plainPuts, KEEP_ALIVE_MS),
  }
}

/** Opens the store, recovers, and serves until `stop`. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { context, close } = await openContext(options)
  const { settings, log } = context
  const app = openHttp(context, statusOf, shortcutsOf(context))
  let s3: Server | undefined
  let metricsServer: Server | undefined
  try {
    registerRoutes(app, context, { ...restOperations, ...healthOperations })
    await app.listen({ host: settings.host, port: settings.port, backlog: BACKLOG })
    s3 = await openS3Port(context)
    metricsServer = await openMetricsPort(context)
  } catch (error) {
    s3?.close()
    await app.close()
    await close()
    throw error
  }
  const url = urlOf(app.server, context)
  const s3Url = s3 === undefined ? undefined : urlOf(s3, context)
  const jobs = new AbortController()
  const working = Promise.all([
    collectSometimes(context, jobs.signal),
    context.certificate?.watch(jobs.signal),
    context.engine.identity.issuers.watch(jobs.signal),
    watchDirectory(context.engine, jobs.signal),
    dropAuditsDaily(context, jobs.signal),
  ])
  log.info({ url, s3_url: s3Url }, 'listening')
  options.onListening?.({ url, s3Url })
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    context.load.stopping = true
    jobs.abort()
    metricsServer?.close()
    metricsServer?.closeAllConnections()
    await drain(s3 === undefined ? [app.server] : [app.server, s3], context)
    await app.close()
    await working
    await close()
    log.info('stopped')
  }
  return {
    url,
    s3Url,
    context,
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

/** One that was asked for must be free; with the default one taken, it is done without. */
async function openS3Port(context: Context): Promise<Server | undefined> {
  const { settings, log } = context
  if (!settings.s3Enabled) return undefined
  const host = settings.s3Host ?? settings.host
  const port = settings.s3Port ?? (settings.port === 0 ? 0 : S3_PORT)
  const server = openS3(context)
  try {
    await listen(server, { host, port })
    return server
  } catch (error) {
    if (settings.s3Port !== undefined) throw error
    warnOfPort(log, error, { host, port, what: 'S3', setting: 'STORAGE_S3_PORT' })
    return undefined
  }
}

function urlOf(server: Server, { certificate }: Context): string {
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') return String(address)
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `${certificate === undefined ? 'http' : 'https'}://${host}:${address.port}`
}

/** Waits for the running transfers, then cuts those that are left. */
async function drain(
  servers: readonly Server[],
  { clock, load, settings, log }: Context,
): Promise<void> {
  for (const server of servers) {
    server.close()
    server.closeIdleConnections()
  }
  const until = clock.monotonic() + settings.shutdownSeconds * 1000
  while (load.active > 0 && clock.monotonic() < until) await clock.sleep(DRAIN_STEP_MS)
  if (load.active > 0) log.warn({ transfers: load.active }, 'transfers cut by the stop')
  for (const server of servers) server.closeAllConnections()
  await endWork({ clock, load, log })
}

/** What was cut gives up soon, or ends: what it did until then belongs into the audit log. */
async function endWork({ clock, load, log }: Pick<Context, 'clock' | 'load' | 'log'>) {
  const { working } = load
  const until = clock.monotonic() + CUT_MS
  while (working.size > 0 && clock.monotonic() < until) await clock.sleep(DRAIN_STEP_MS)
  if (working.size === 0) return
  log.warn({ requests: working.size }, 'requests are still worked on, and are left to themselves')
  working.abandonAll()
}

/** A port of its own for metrics. Taken by another server, it is done without. */
async function openMetricsPort(context: Context): Promise<Server | undefined> {
  const { settings, metrics, log, connections } = context
  if (!settings.metricsEnabled || settings.metricsPort === 0) return undefined
  const server = metricsServer(metrics)
  connections.watch(server)
  const { metricsHost: host, metricsPort: port } = settings
  try {
    await listen(server, { host, port })
    return server
  } catch (error) {
    warnOfPort(log, error, { host, port, what: 'metrics', setting: 'STORAGE_METRICS_PORT' })
    return undefined
  }
}
