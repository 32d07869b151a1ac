import type { OperationId } from '@holdfast/contract/routes.ts'
import type { Action } from '@holdfast/engine/access/actions.ts'
import { assetBody, type Wanted, type World } from '../rest/row.ts'

/**
 * What a route does in the words of bucket policies: a Deny of any of them refuses it, an Allow
 * opens it only together. Written down apart from the code that decides it.
 */
export interface Words {
  readonly needs: readonly Action[]
  /** No policy opens it: forms and buckets are for who holds a scope. */
  readonly scopeOnly?: boolean
  /** Other questions of the same route, with effects of their own. */
  readonly more?: readonly Variant[]
  /** About this bucket, which holds nothing. */
  readonly empty?: boolean
  readonly ask?: (world: World) => Wanted
}

export interface Variant {
  readonly name: string
  readonly needs: readonly Action[]
  readonly ask: (world: World) => Wanted
  readonly prepare?: (world: World) => Promise<Record<string, string>>
  readonly shows?: 'total'
}

const get = ['s3:GetObject'] as const
const old = ['s3:GetObjectVersion'] as const
const put = ['s3:PutObject'] as const
const remove = ['s3:DeleteObject'] as const
const removeOld = ['s3:DeleteObjectVersion'] as const
const forGood = [...remove, ...removeOld] as const
const list = ['s3:ListBucket', ...get] as const
/** All that a public bucket is open for. */
const reading = [
  ...[...list, ...old, 's3:GetObjectAttributes', 's3:GetObjectVersionAttributes'],
  ...['s3:GetObjectAcl', 's3:GetObjectVersionAcl', 's3:GetObjectTagging'],
  ...['s3:GetObjectVersionTagging', 's3:GetObjectRetention', 's3:GetObjectLegalHold'],
] as const satisfies readonly Action[]
const versions = ['s3:ListBucketVersions', ...old] as const
const tagOld = ['s3:PutObjectVersionTagging'] as const
type Json = Readonly<Record<string, unknown>>
const nothing: Words = { needs: [] }

const byId = ({ id }: World) => ({ params: { id } })
const acl = { read: ['somebody-else'], write: [] }
// Nobody names others who could not read it in every way.
const listed = [...put, 's3:PutObjectAcl', ...get, ...old, 's3:GetObjectTagging'] as const
const tagged = [...put, 's3:PutObjectTagging'] as const

const twoVersions = async ({ lab, id }: World) => {
  await lab.must('PUT', `/api/v2/assets/${id}/content`, Buffer.from(`second of ${id}`))
  return {}
}
const firstOf = ({ id }: World) => ({ params: { id, version_id: '1' } })
const readOld = (name: string, ask: Variant['ask']): Variant => ({
  ...{ name, ask, prepare: twoVersions },
  needs: [...get, ...old],
})
const tokenOf = (url: string) => ({ token: new URL(url).pathname.split('/').at(-1) ?? '' })
const byToken = ({ made: { token = '' } }: World) => ({ params: { token } })
const fileByToken = ({ made: { token = '' }, key }: World) => ({
  ...{ params: { token }, query: { key: key.slice('things/'.length) } },
})
const share = (body: (world: World) => Json) => async (world: World) => {
  await twoVersions(world)
  return tokenOf((await world.lab.must('POST', '/api/v2/shares', body(world))).url)
}
const sharedOld = share(({ id }) => ({ asset_id: id, version: 1 }))
const sharedPart = share(({ bucket }) => ({ bucket, prefix: 'things/' }))
const presignedOld = async (world: World) => {
  await twoVersions(world)
  const path = `/api/v2/assets/${world.id}/presigned-url?version=1`
  return { token: (await world.lab.must('GET', path)).url.split('/').at(-1) }
}
const oldByKey = readOld('old', ({ bucket, key }) => ({
  params: { bucket, key },
  query: { version: '1' },
}))
const oldByQuery = readOld('old', ({ bucket, key }) => ({
  params: { bucket },
  query: { key, version: '1' },
}))
const oldById = readOld('old', ({ id }) => ({ params: { id }, query: { version: '1' } }))
const hardByKey: Variant = {
  name: 'hard',
  needs: forGood,
  ask: ({ bucket, key }) => ({ params: { bucket, key }, query: { hard_delete: 'true' } }),
}
const ofEmpty = ({ bucket }: World) => ({ params: { bucket: `${bucket}-empty` } })
const setting = (name: string, needs: readonly Action[], json: Json): Variant => ({
  ...{ name, needs },
  ask: world => ({ ...ofEmpty(world), json }),
})

/** Of the store, of people, or of what somebody made for itself: no bucket is asked. */
const ofNoBucket = {
  getService: nothing,
  getHealth: nothing,
  getLiveness: nothing,
  getReadiness: nothing,
  getStartup: nothing,
  getMetrics: nothing,
  getHealthMetrics: nothing,
  getOpenApi: nothing,
  getDocs: nothing,
  getDocsFile: nothing,
  listErrors: nothing,
  listQuotas: nothing,
  getQuota: nothing,
  setQuota: nothing,
  removeQuota: nothing,
  listKeys: nothing,
  createKey: nothing,
  revokeKey: nothing,
  collectGarbage: nothing,
  verifyStore: nothing,
  listS3Keys: nothing,
  createS3Key: nothing,
  revokeS3Key: nothing,
  login: nothing,
  refresh: nothing,
  logout: nothing,
  whoAmI: nothing,
  changePassword: nothing,
  getJwks: nothing,
  listSigningKeys: nothing,
  rotateSigningKey: nothing,
  listUsers: nothing,
  createUser: nothing,
  getUser: nothing,
  updateUser: nothing,
  removeUser: nothing,
  resetUserPassword: nothing,
  unlockUser: nothing,
  loginWithCode: nothing,
  beginSecondFactor: nothing,
  confirmSecondFactor: nothing,
  disableSecondFactor: nothing,
  renewRecoveryCodes: nothing,
  removeUserSecondFactor: nothing,
  forgotPassword: nothing,
  resetPassword: nothing,
  beginOpenId: nothing,
  finishOpenId: nothing,
  redeemOpenId: nothing,
  listAudits: nothing,
  exportAudits: nothing,
  reportAudits: nothing,
  verifyAudits: nothing,
  acknowledgeAudits: nothing,
  listGroups: nothing,
  createGroup: nothing,
  getGroup: nothing,
  updateGroup: nothing,
  removeGroup: nothing,
  listGrants: nothing,
  addGrant: nothing,
  removeGrant: nothing,
  explainAccess: nothing,
  listShares: nothing,
  getShare: nothing,
  revokeShare: nothing,
  confirmSession: nothing,
  listSessions: nothing,
  endSession: nothing,
  endSessions: nothing,
  listUserSessions: nothing,
  endUserSession: nothing,
  endUserSessions: nothing,
  getLoginWays: nothing,
  validateToken: nothing,
  getUserStatistics: nothing,
  actOnUsers: nothing,
  issueToken: nothing,
  listAccounts: nothing,
  createAccount: nothing,
  getAccount: nothing,
  updateAccount: nothing,
  removeAccount: nothing,
  rotateSecret: nothing,
  removeSecret: nothing,
} as const satisfies Partial<Record<OperationId, Words>>

/** Every operation of the route table: one without does not compile, and fails. */
export const words: Readonly<Record<OperationId, Words>> = {
  uploadAsset: {
    needs: put,
    scopeOnly: true,
    more: [
      {
        name: 'acl',
        needs: listed,
        ask: world => {
          const fields = { ...assetBody(world), bucket: world.bucket, acl: JSON.stringify(acl) }
          return { form: { fields, files: 1 } }
        },
      },
    ],
  },
  batchUpload: { needs: put, scopeOnly: true },
  bulkUpload: { needs: put, scopeOnly: true },
  listAssets: { needs: list },
  // Totals are of whole buckets, and name nothing.
  getAssetStats: { needs: ['s3:ListBucket'], scopeOnly: true },
  getAsset: { needs: get },
  headAsset: { needs: get },
  getAssetMetadata: { needs: [...get, 's3:GetObjectTagging'] },
  mergeAssetMetadata: { needs: tagged },
  downloadAsset: { needs: get, more: [oldById] },
  headDownload: { needs: get, more: [oldById] },
  updateAsset: {
    needs: put,
    more: [
      { name: 'acl', needs: listed, ask: world => ({ ...byId(world), json: { acl } }) },
      { name: 'tags', needs: tagged, ask: world => ({ ...byId(world), json: { tags: ['t'] } }) },
      { name: 'metadata', needs: put, ask: world => ({ ...byId(world), json: { metadata: {} } }) },
    ],
  },
  putAssetContent: { needs: put },
  removeAsset: {
    needs: remove,
    more: [
      {
        name: 'hard',
        needs: forGood,
        ask: ({ id }) => ({ params: { id }, query: { hard_delete: 'true' } }),
      },
    ],
  },
  restoreAsset: { needs: put },
  copyAsset: { needs: [...get, 's3:GetObjectTagging', ...tagged] },
  moveAsset: {
    needs: [...tagged, ...remove],
    more: [{ name: 'name', needs: put, ask: world => ({ ...byId(world), json: { name: 'n' } }) }],
  },
  batchDelete: {
    needs: remove,
    more: [
      {
        name: 'hard',
        needs: forGood,
        ask: ({ id }) => ({ json: { ids: [id], hard_delete: true } }),
      },
    ],
  },
  batchDownload: { needs: get },
  listBucketAssets: { needs: list },
  putByKey: {
    needs: put,
    more: [
      {
        name: 'tags',
        needs: tagged,
        ask: ({ bucket, key }) => ({
          ...{ params: { bucket, key }, bytes: 'tagged' },
          query: { tags: 'taken' },
        }),
      },
    ],
  },
  getByKey: { needs: get, more: [oldByKey] },
  headByKey: { needs: get, more: [oldByKey] },
  removeByKey: { needs: remove, more: [hardByKey] },
  putByKeyQuery: { needs: put },
  getByKeyQuery: { needs: get, more: [oldByQuery] },
  headByKeyQuery: { needs: get, more: [oldByQuery] },
  removeByKeyQuery: {
    needs: remove,
    more: [
      {
        ...hardByKey,
        ask: ({ bucket, key }) => ({ params: { bucket }, query: { key, hard_delete: 'true' } }),
      },
    ],
  },
  listVersions: { needs: versions },
  getHistory: { needs: versions },
  createVersion: { needs: put },
  compareVersions: { needs: old },
  pruneVersions: { needs: removeOld },
  getVersion: { needs: old },
  updateVersion: {
    needs: tagOld,
    more: [
      {
        name: 'metadata',
        needs: [...put, ...tagOld],
        ask: world => ({ ...firstOf(world), json: { metadata: { a: 1 } } }),
      },
    ],
  },
  removeVersion: { needs: removeOld },
  downloadVersion: { needs: old },
  headVersion: { needs: old },
  rollbackVersion: { needs: [...put, ...old] },
  tagVersion: { needs: tagOld },
  listLinks: { needs: get },
  addLink: { needs: [...put, ...get] },
  removeLink: { needs: put },
  removeLinkById: { needs: put },
  presignDownload: { needs: get, more: [oldById] },
  presignUpload: { needs: put },
  openLink: {
    needs: get,
    more: [{ ...readOld('old', byToken), prepare: presignedOld }],
  },
  headLink: {
    needs: get,
    more: [{ ...readOld('old', byToken), prepare: presignedOld }],
  },
  putLink: { needs: put },
  createShare: {
    needs: get,
    more: [
      readOld('old', ({ id }) => ({ json: { asset_id: id, version: 1 } })),
      {
        name: 'part',
        needs: get,
        ask: ({ bucket }) => ({ json: { bucket, prefix: 'things/' } }),
      },
    ],
  },
  describeShare: {
    needs: get,
    more: [{ name: 'part', needs: list, ask: byToken, prepare: sharedPart, shows: 'total' }],
  },
  openShare: {
    needs: get,
    more: [
      { name: 'file', needs: get, ask: fileByToken, prepare: sharedPart },
      { name: 'part', needs: ['s3:ListBucket'], ask: byToken, prepare: sharedPart },
      { ...readOld('old', byToken), prepare: sharedOld },
    ],
  },
  headShare: {
    needs: get,
    more: [
      { name: 'file', needs: get, ask: fileByToken, prepare: sharedPart },
      { name: 'part', needs: ['s3:ListBucket'], ask: byToken, prepare: sharedPart },
      { ...readOld('old', byToken), prepare: sharedOld },
    ],
  },
  openSharedFile: { needs: get },
  headSharedFile: { needs: get },
  getBucket: { needs: ['s3:GetBucketLocation'], scopeOnly: true },
  updateBucket: {
    needs: ['s3:PutBucketPolicy'],
    scopeOnly: true,
    ask: world => ({ ...ofEmpty(world), json: { asset_bytes_max: 1000 } }),
    more: [
      setting('versioning', ['s3:PutBucketVersioning'], { versioning: 'enabled' }),
      // Only who may read all may open it to everybody.
      setting('public', ['s3:PutBucketAcl', ...reading], { public_read: true }),
      setting('origins', ['s3:PutBucketCORS'], { cors_origins: ['https://example.org'] }),
      setting('versions', ['s3:PutLifecycleConfiguration'], { versions_max: 7 }),
    ],
  },
  removeBucket: { needs: ['s3:DeleteBucket'], scopeOnly: true, empty: true, ask: ofEmpty },
  // Of what is there already nobody is asked: the policy of a bucket begins with the bucket.
  createBucket: nothing,
  // Names and settings of all buckets, which policies of single buckets say nothing about.
  listBuckets: nothing,
  ...ofNoBucket,
}
