import { route } from '../../route.ts'
import {
  auditExportQuery,
  auditList,
  auditQuery,
  auditReport,
  auditVerifyQuery,
} from '../../schemas/people/audit.ts'

export const auditRoutes = {
  listAudits: route({
    method: 'GET',
    path: '/api/v2/audit',
    tag: 'Audit',
    permission: 'audit:view',
    summary: 'List the audit log, newest first',
    query: auditQuery,
    answer: { status: 200, description: 'A page.', schema: auditList },
    errors: ['INVALID_CURSOR'],
  }),
  exportAudits: route({
    method: 'GET',
    path: '/api/v2/audit/export',
    tag: 'Audit',
    permission: 'audit:export',
    summary: 'Export the audit log as JSON lines or CSV, oldest first',
    query: auditExportQuery,
    answer: {
      status: 200,
      description: 'All rows that match.',
      media: 'text/csv, application/x-ndjson',
    },
  }),
  verifyAudits: route({
    method: 'POST',
    path: '/api/v2/audit/verify',
    tag: 'Audit',
    permission: 'audit:view',
    summary: 'Check that no row was changed, inserted or taken away',
    query: auditVerifyQuery,
    answer: { status: 200, description: 'The findings.', schema: auditReport },
  }),
} as const
