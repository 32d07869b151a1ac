import type { Route } from './route.ts'
import { adminRoutes } from './routes/admin.ts'
import { assetRoutes } from './routes/assets.ts'
import { batchRoutes } from './routes/batch.ts'
import { keyRoutes } from './routes/keys.ts'
import { linkRoutes } from './routes/links.ts'
import { accessRoutes } from './routes/people/access.ts'
import { accountRoutes } from './routes/people/accounts.ts'
import { auditRoutes } from './routes/people/audit.ts'
import { factorRoutes } from './routes/people/factors.ts'
import { identityRoutes } from './routes/people/identity.ts'
import { openIdRoutes } from './routes/people/openid.ts'
import { resetRoutes } from './routes/people/resets.ts'
import { sessionRoutes } from './routes/people/sessions.ts'
import { tokenRoutes } from './routes/people/tokens.ts'
import { usersTogetherRoutes } from './routes/people/users-together.ts'
import { s3KeyRoutes } from './routes/s3-keys.ts'
import { serviceRoutes } from './routes/service.ts'
import { shareRoutes } from './routes/shares.ts'
import { versionRoutes } from './routes/versions.ts'

/** The one table of operations: what is not here is not served. */
export const routes = {
  ...serviceRoutes,
  ...assetRoutes,
  ...batchRoutes,
  ...keyRoutes,
  ...versionRoutes,
  ...linkRoutes,
  ...adminRoutes,
  ...s3KeyRoutes,
  ...identityRoutes,
  ...factorRoutes,
  ...resetRoutes,
  ...openIdRoutes,
  ...auditRoutes,
  ...accessRoutes,
  ...shareRoutes,
  ...sessionRoutes,
  ...tokenRoutes,
  ...usersTogetherRoutes,
  ...accountRoutes,
} as const satisfies Record<string, Route>

export type Routes = typeof routes
export type OperationId = keyof Routes
