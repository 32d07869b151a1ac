import { route } from '../../route.ts'
import {
  auditAcknowledged,
  auditAcknowledgement,
  auditExportQuery,
  auditList,
  auditQuery,
  auditReport,
  auditVerifyQuery,
  complianceQuery,
  complianceReport,
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
  reportAudits: route({
    method: 'GET',
    path: '/api/v2/audit/report',
    tag: 'Audit',
    permission: 'audit:view',
    summary: 'Report on a period: what the audit log tells, and how far it is proven',
    query: complianceQuery,
    answer: { status: 200, description: 'The report.', schema: complianceReport },
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
  acknowledgeAudits: route({
    method: 'POST',
    path: '/api/v2/audit/acknowledge',
    tag: 'Audit',
    permission: 'audit:admin',
    summary: 'Take note of what is wrong with the audit log',
    description:
      'What is wrong now no longer counts: health is as before, and verify tells it apart. Each ' +
      'finding is named with its row as it is. The log tells who did it and why.',
    body: { kind: 'json', schema: auditAcknowledgement },
    answer: { status: 200, description: 'What was found.', schema: auditAcknowledged },
    errors: ['CONFIRMATION_REQUIRED'],
  }),
} as const
