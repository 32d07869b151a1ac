import { createServer, type Server } from 'node:http'
import type { Metrics } from './metrics.ts'

const HEADERS_TIMEOUT_MS = 10_000
/** For who takes nothing of an answer, or brings nothing of a body that nobody reads. */
const SILENT_MS = 10_000

/**
 * Metrics for whoever reaches the port. Nobody is asked for a credential there, so that what one
 * costs is bounded: a connection has one answer, and all who ask meanwhile get the same figures.
 * Node refuses what is pipelined behind it, and answers bytes that are no request.
 */
export function metricsServer(metrics: Metrics): Server {
  let reading: Promise<string> | undefined
  const read = async (): Promise<string> => {
    try {
      return await metrics.text()
    } finally {
      reading = undefined
    }
  }
  const server = createServer({ connectionsCheckingInterval: 5_000 }, (request, response) => {
    // The limit of one request alone says so, but waits for the end of a body that nobody reads.
    response.setHeader('connection', 'close')
    if (request.url !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    reading ??= read()
    reading.then(
      text => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(503).end(),
    )
  })
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.timeout = SILENT_MS
  server.maxRequestsPerSocket = 1
  return server
}
