import type { Transaction } from '@holdfast/core/ports/catalog.ts'
import {
  putAccessKeyTransaction,
  revokeAccessKeyTransaction,
} from './access/keys/access-key-transactions.ts'
import {
  createKeyTransaction,
  ensureKeyTransaction,
  revokeKeyTransaction,
} from './access/keys/key-transactions.ts'
import { copyTransaction } from './assets/writes/copy-transaction.ts'
import { addLinkTransaction, removeLinkTransaction } from './assets/writes/link-transactions.ts'
import { moveTransaction } from './assets/writes/move-transaction.ts'
import { putManyTransaction, putTransaction } from './assets/writes/put-transaction.ts'
import { removeTransaction, restoreTransaction } from './assets/writes/remove-transaction.ts'
import { guarded } from './assets/writes/seen.ts'
import { updateTransaction } from './assets/writes/update-transaction.ts'
import { appendAuditsTransaction, dropAuditsTransaction } from './audit/audit-transaction.ts'
import {
  createBucketTransaction,
  removeBucketTransaction,
  setDocumentTransaction,
  updateBucketTransaction,
} from './buckets/bucket-transactions.ts'
import {
  endGivingTransaction,
  giveAssetTransaction,
  giveBucketTransaction,
} from './buckets/give-transactions.ts'
import {
  createAccountTransaction,
  removeSecretTransaction,
  rotateSecretTransaction,
  updateAccountTransaction,
} from './identity/accounts/account-transactions.ts'
import {
  beginFactorTransaction,
  confirmFactorTransaction,
  removeFactorTransaction,
  renewRecoveryTransaction,
} from './identity/factors/factor-transactions.ts'
import {
  addGrantTransaction,
  removeGrantTransaction,
  removeGroupTransaction,
  setGroupTransaction,
} from './identity/groups/group-transactions.ts'
import { adoptUserTransaction, closeUserTransaction } from './identity/outside/adopt-transaction.ts'
import { resealTransaction } from './identity/reseal-transaction.ts'
import { beginResetTransaction, useResetTransaction } from './identity/resets/reset-transactions.ts'
import { addSigningKeyTransaction } from './identity/sessions/key-transactions.ts'
import {
  confirmSessionTransaction,
  endListedTransaction,
  endSessionsTransaction,
  endSessionTransaction,
  renewSessionTransaction,
  startAccountSessionTransaction,
  startSessionTransaction,
} from './identity/sessions/session-transactions.ts'
import {
  createUserTransaction,
  failLoginTransaction,
  requireChangeTransaction,
  setPasswordTransaction,
  unlockUserTransaction,
  updateUserTransaction,
} from './identity/users/user-transactions.ts'
import { collectTransaction } from './integrity/collect-transaction.ts'
import {
  completeUploadTransaction,
  createUploadTransaction,
  putPartTransaction,
  removeUploadTransaction,
} from './multipart/upload-transactions.ts'
import { copyObjectTransaction } from './objects/writes/copy-transaction.ts'
import { removeObjectTransaction } from './objects/writes/remove-transaction.ts'
import { renameTransaction } from './objects/writes/rename-transaction.ts'
import { setFacetsTransaction } from './objects/writes/settings-transaction.ts'
import { removeQuotaTransaction, setQuotaTransaction } from './quotas/quota-transactions.ts'
import {
  addShareTransaction,
  failShareTransaction,
  revokeShareTransaction,
  useShareTransaction,
} from './sharing/share-transactions.ts'
import { pruneTransaction } from './versions/prune-transaction.ts'
import { rollbackTransaction } from './versions/rollback-transaction.ts'
import {
  removeVersionTransaction,
  updateVersionTransaction,
} from './versions/version-transactions.ts'

/**
 * Everything that can change the catalog, by name. The committer imports this module in its own
 * thread, so nothing here may reach for a clock, randomness, the element or the engine.
 */
export const transactions = {
  'assets.put': putTransaction,
  'assets.putMany': putManyTransaction,
  'assets.update': guarded(updateTransaction),
  'assets.move': guarded(moveTransaction),
  'assets.copy': guarded(copyTransaction),
  'assets.remove': guarded(removeTransaction),
  'assets.restore': guarded(restoreTransaction),
  'links.add': guarded(addLinkTransaction),
  'links.remove': guarded(removeLinkTransaction),
  'versions.update': guarded(updateVersionTransaction),
  'versions.remove': guarded(removeVersionTransaction),
  'versions.rollback': guarded(rollbackTransaction),
  'versions.prune': guarded(pruneTransaction),
  'buckets.create': createBucketTransaction,
  'buckets.update': guarded(updateBucketTransaction),
  'buckets.give': giveBucketTransaction,
  'buckets.endGiving': endGivingTransaction,
  'assets.give': giveAssetTransaction,
  'buckets.remove': guarded(removeBucketTransaction),
  'quotas.set': setQuotaTransaction,
  'quotas.remove': removeQuotaTransaction,
  'keys.create': createKeyTransaction,
  'keys.ensure': ensureKeyTransaction,
  'keys.revoke': revokeKeyTransaction,
  'users.create': createUserTransaction,
  'users.update': updateUserTransaction,
  'users.setPassword': setPasswordTransaction,
  'users.requireChange': requireChangeTransaction,
  'users.fail': failLoginTransaction,
  'users.unlock': unlockUserTransaction,
  'factors.begin': beginFactorTransaction,
  'factors.confirm': confirmFactorTransaction,
  'factors.remove': removeFactorTransaction,
  'factors.renewRecovery': renewRecoveryTransaction,
  'resets.begin': beginResetTransaction,
  'resets.use': useResetTransaction,
  'users.adopt': adoptUserTransaction,
  'users.close': closeUserTransaction,
  'sessions.start': startSessionTransaction,
  'sessions.renew': renewSessionTransaction,
  'sessions.confirm': confirmSessionTransaction,
  'sessions.end': endSessionTransaction,
  'sessions.endAll': endSessionsTransaction,
  'sessions.endListed': endListedTransaction,
  'accounts.startSession': startAccountSessionTransaction,
  'accounts.create': createAccountTransaction,
  'accounts.update': updateAccountTransaction,
  'accounts.rotate': rotateSecretTransaction,
  'accounts.removeSecret': removeSecretTransaction,
  'shares.add': addShareTransaction,
  'shares.use': useShareTransaction,
  'shares.fail': failShareTransaction,
  'shares.revoke': revokeShareTransaction,
  'groups.set': setGroupTransaction,
  'groups.remove': removeGroupTransaction,
  'grants.add': addGrantTransaction,
  'grants.remove': removeGrantTransaction,
  'audits.append': appendAuditsTransaction,
  'audits.drop': dropAuditsTransaction,
  'signing.add': addSigningKeyTransaction,
  'secrets.reseal': resealTransaction,
  'blobs.collect': collectTransaction,
  'objects.copy': guarded(copyObjectTransaction),
  'objects.remove': removeObjectTransaction,
  'objects.rename': guarded(renameTransaction),
  'objects.set': guarded(setFacetsTransaction),
  'uploads.create': guarded(createUploadTransaction),
  'uploads.putPart': guarded(putPartTransaction),
  'uploads.remove': guarded(removeUploadTransaction),
  'uploads.complete': completeUploadTransaction,
  'buckets.setDocument': guarded(setDocumentTransaction),
  'keys.putAccess': putAccessKeyTransaction,
  'keys.revokeAccess': revokeAccessKeyTransaction,
} as const satisfies Record<string, Transaction<never, unknown>>
