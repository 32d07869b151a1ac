import { assetBatchCalls } from './groups/asset-batches.ts'
import { assetChangeCalls } from './groups/asset-changes.ts'
import { assetContentCalls } from './groups/asset-content.ts'
import { assetRecordCalls } from './groups/asset-records.ts'
import { bucketCalls } from './groups/buckets.ts'
import { keyCalls } from './groups/keys.ts'
import { linkCalls } from './groups/links.ts'
import { accessCalls, groupCalls } from './groups/people/access.ts'
import { accountCalls } from './groups/people/accounts.ts'
import { auditCalls } from './groups/people/audit.ts'
import { authCalls } from './groups/people/auth.ts'
import { secondFactorCalls } from './groups/people/factors.ts'
import { passwordCalls } from './groups/people/passwords.ts'
import { s3KeyCalls } from './groups/people/s3-keys.ts'
import { sessionCalls } from './groups/people/sessions.ts'
import { tokenCalls } from './groups/people/tokens.ts'
import { userCalls } from './groups/people/users.ts'
import { usersTogetherCalls } from './groups/people/users-together.ts'
import { presignedCalls } from './groups/presigned.ts'
import { quotaCalls } from './groups/quotas.ts'
import { serviceCalls } from './groups/service-status.ts'
import { shareCalls } from './groups/shares.ts'
import { versionChangeCalls } from './groups/version-changes.ts'
import { versionReadCalls } from './groups/version-reads.ts'
import type { ClientOptions } from './options.ts'
import { Transport } from './wire/transport.ts'

export type { ByteStream, UploadBody } from './body/upload-body.ts'
export { ClientError, isClientError } from './client-error.ts'
export type { Download, DownloadOptions } from './download/download.ts'
export type { AssetKey, AssetRef, Put, PutOptions } from './groups/asset-content.ts'
export type { CallOptions, ClientOptions, Confirm } from './options.ts'
export type { RetryEvent, RetryPolicy } from './wire/retry.ts'

export type Client = ReturnType<typeof openClient>

/**
 * A client of one server, for browsers and Node. It keeps no connection of its own and needs no
 * closing.
 *
 *     const client = openClient({ url: 'http://127.0.0.1:8005', key })
 *     await client.assets.put({ bucket: 'holdfast', key: 'a.txt' }, 'hello')
 *     const text = await (await client.assets.get({ bucket: 'holdfast', key: 'a.txt' })).text()
 */
export function openClient(options: ClientOptions) {
  const transport = new Transport(options)
  return {
    url: transport.url,
    assets: {
      ...assetContentCalls(transport),
      ...assetRecordCalls(transport),
      ...assetChangeCalls(transport),
      ...assetBatchCalls(transport),
    },
    versions: { ...versionReadCalls(transport), ...versionChangeCalls(transport) },
    buckets: bucketCalls(transport),
    quotas: quotaCalls(transport),
    keys: keyCalls(transport),
    s3Keys: s3KeyCalls(transport),
    auth: { ...authCalls(transport), ...tokenCalls(transport), ...passwordCalls(transport) },
    secondFactor: secondFactorCalls(transport),
    accounts: accountCalls(transport),
    sessions: sessionCalls(transport),
    users: { ...userCalls(transport), ...usersTogetherCalls(transport) },
    audit: auditCalls(transport),
    groups: groupCalls(transport),
    access: accessCalls(transport),
    links: linkCalls(transport),
    presigned: presignedCalls(transport),
    shares: shareCalls(transport),
    service: serviceCalls(transport),
  }
}
