import type { BodyOf, QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import { type Download, startDownload } from '../../download/download.ts'
import type { CallOptions } from '../../options.ts'
import { callJson, readText, requestOf } from '../../wire/operations.ts'
import type { Transport } from '../../wire/transport.ts'

export function auditCalls(transport: Transport) {
  return {
    /** Newest first. */
    async list(query: QueryOf<Routes['listAudits']> = {}, options: CallOptions = {}) {
      return await callJson(transport, 'listAudits', {
        method: 'GET',
        path: '/api/v2/audit',
        query,
        options,
      })
    },

    /** The whole export as text, which must fit into memory. */
    async export(query: QueryOf<Routes['exportAudits']> = {}, options: CallOptions = {}) {
      return await transport.run(exportRequest(query, options), readText)
    },

    /** The export as it comes, of any length. It cannot be taken up again: broken off, it fails. */
    async exportStream(
      query: QueryOf<Routes['exportAudits']> = {},
      options: CallOptions = {},
    ): Promise<Download> {
      return await startDownload(transport, exportRequest(query, options), options)
    },

    /** What the log tells of a period, and how far it is proven. */
    async report(query: QueryOf<Routes['reportAudits']> = {}, options: CallOptions = {}) {
      return await callJson(transport, 'reportAudits', {
        method: 'GET',
        path: '/api/v2/audit/report',
        query,
        options,
      })
    },

    /** `head` is one of an earlier answer, which the log must still have. */
    async verify(query: QueryOf<Routes['verifyAudits']> = {}, options: CallOptions = {}) {
      return await callJson(transport, 'verifyAudits', {
        method: 'POST',
        path: '/api/v2/audit/verify',
        query,
        idempotent: true,
        options,
      })
    },

    /** Takes note of all that is wrong now. */
    async acknowledge(
      acknowledgement: BodyOf<Routes['acknowledgeAudits']>,
      options: CallOptions = {},
    ) {
      return await callJson(transport, 'acknowledgeAudits', {
        method: 'POST',
        path: '/api/v2/audit/acknowledge',
        json: acknowledgement,
        options,
      })
    },
  }
}

function exportRequest(query: QueryOf<Routes['exportAudits']>, options: CallOptions) {
  const target = { method: 'GET', path: '/api/v2/audit/export', query, options } as const
  return requestOf('exportAudits', target)
}
