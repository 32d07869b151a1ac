import type { CallOptions } from '../options.ts'
import { callJson, readJson, readText, requestOf } from '../wire/operations.ts'
import type { Transport } from '../wire/transport.ts'

/** What runs there, how it is, and the care of its store. */
export function serviceCalls(transport: Transport) {
  return {
    async info(options: CallOptions = {}) {
      return await callJson(transport, 'getService', { method: 'GET', path: '/', options })
    },

    /** Also when it is not ready: look at `status`. */
    async health(options: CallOptions = {}) {
      return await callJson(transport, 'getHealth', {
        method: 'GET',
        path: '/health',
        alsoStatuses: [503],
        options,
      })
    },

    async readiness(options: CallOptions = {}) {
      return await callJson(transport, 'getReadiness', {
        method: 'GET',
        path: '/health/ready',
        alsoStatuses: [503],
        options,
      })
    },

    async liveness(options: CallOptions = {}) {
      return await callJson(transport, 'getLiveness', {
        method: 'GET',
        path: '/health/live',
        options,
      })
    },

    async startup(options: CallOptions = {}) {
      return await callJson(transport, 'getStartup', {
        method: 'GET',
        path: '/health/startup',
        alsoStatuses: [503],
        options,
      })
    },

    /** Prometheus text. */
    async metrics(options: CallOptions = {}): Promise<string> {
      const request = requestOf('getMetrics', { method: 'GET', path: '/metrics', options })
      return await transport.run(request, readText)
    },

    async errors(options: CallOptions = {}) {
      return await callJson(transport, 'listErrors', {
        method: 'GET',
        path: '/api/v2/errors',
        options,
      })
    },

    async openApi(options: CallOptions = {}): Promise<unknown> {
      const request = requestOf('getOpenApi', {
        method: 'GET',
        path: '/api/v2/openapi.json',
        options,
      })
      return await transport.run(request, readJson)
    },

    /** Frees bytes that nothing refers to any more. */
    async collectGarbage(options: CallOptions = {}) {
      return await callJson(transport, 'collectGarbage', {
        method: 'POST',
        path: '/api/v2/admin/collect-garbage',
        options: { timeoutMs: 0, ...options },
      })
    },

    /** Reads every stored byte again; takes as long as that does. */
    async verify(options: CallOptions = {}) {
      return await callJson(transport, 'verifyStore', {
        method: 'POST',
        path: '/api/v2/admin/verify',
        options: { timeoutMs: 0, ...options },
      })
    },
  }
}
