import type { Operations } from '../../http/exchange.ts'
import { administrationOperations } from './administration.ts'
import { archiveOperations } from './archive/archives.ts'
import { assetOperations } from './assets.ts'
import { batchOperations } from './batches.ts'
import { contentOperations } from './contents.ts'
import { descriptionOperations } from './descriptions.ts'
import { keyedOperations } from './keyed.ts'
import { linkOperations } from './links.ts'
import { accessOperations } from './people/access.ts'
import { accountOperations } from './people/accounts.ts'
import { auditOperations } from './people/audits.ts'
import { factorOperations } from './people/factors.ts'
import { identityOperations } from './people/identity.ts'
import { openIdOperations } from './people/openid.ts'
import { resetOperations } from './people/resets.ts'
import { s3KeyOperations } from './people/s3-keys.ts'
import { sessionOperations } from './people/sessions.ts'
import { tokenOperations } from './people/token-status.ts'
import { usersTogetherOperations } from './people/users-together.ts'
import { presignedOperations } from './presigned.ts'
import { shareOperations } from './sharing/shares.ts'
import { uploadOperations } from './uploads.ts'
import { versionOperations } from './versions.ts'

/** Everything under /api/v2. */
export const restOperations = {
  ...assetOperations,
  ...uploadOperations,
  ...contentOperations,
  ...keyedOperations,
  ...batchOperations,
  ...archiveOperations,
  ...versionOperations,
  ...linkOperations,
  ...presignedOperations,
  ...administrationOperations,
  ...identityOperations,
  ...s3KeyOperations,
  ...factorOperations,
  ...resetOperations,
  ...openIdOperations,
  ...auditOperations,
  ...accessOperations,
  ...shareOperations,
  ...sessionOperations,
  ...tokenOperations,
  ...usersTogetherOperations,
  ...accountOperations,
  ...descriptionOperations,
} satisfies Partial<Operations>
