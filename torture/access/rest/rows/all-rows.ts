import type { OperationId } from '@holdfast/contract/routes.ts'
import type { Row } from '../row.ts'
import { accountRows, openIdRows } from './accounts.ts'
import { assetRows, keyedRows, linkRows, versionRows } from './assets.ts'
import { factorRows } from './factors.ts'
import { s3KeyRows } from './s3-keys.ts'
import { accessRows, auditRows, bucketRows, identityRows, serviceRows } from './service.ts'
import { sessionRows } from './sessions.ts'
import { shareRows } from './shares.ts'

/** Every operation of the route table has its row: one without does not compile. */
export const rows = {
  ...serviceRows,
  ...assetRows,
  ...keyedRows,
  ...versionRows,
  ...linkRows,
  ...bucketRows,
  ...identityRows,
  ...accessRows,
  ...auditRows,
  ...factorRows,
  ...shareRows,
  ...accountRows,
  ...openIdRows,
  ...s3KeyRows,
  ...sessionRows,
} as const satisfies Record<OperationId, Row>
