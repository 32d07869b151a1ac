import { canary } from '../../people.ts'
import { assetBody, type Row, type World } from '../row.ts'
import { rules } from '../rules.ts'

const { readAsset, readMetadata, change, create, restore } = rules
const byId = ({ id }: World) => ({ params: { id } })
const byKey = ({ bucket, key }: World) => ({ params: { bucket, key } })
const byQuery = ({ bucket, key }: World) => ({ params: { bucket }, query: { key } })

/** A key that nothing lies at. */
function freeKey(): string {
  free += 1
  return `free/${free}`
}
let free = 0

const upload: Row = {
  rule: create,
  ask: world => ({
    form: { fields: { ...assetBody(world), bucket: world.bucket, key: freeKey() }, files: 1 },
  }),
}
const batch: Row = {
  rule: create,
  ask: ({ bucket, ownerId }) => {
    const files = [{ filename: 'a.txt', content_type: 'text/plain', key: freeKey() }]
    const request = { files, service: 'mx', owner_id: ownerId, bucket }
    return { form: { fields: { request: JSON.stringify(request) }, files: 1 } }
  },
  inner: answer => answer?.results?.[0]?.status,
}

export const assetRows = {
  uploadAsset: upload,
  batchUpload: batch,
  bulkUpload: batch,
  listAssets: {
    rule: rules.everybody,
    ask: ({ service }) => ({ query: { service } }),
    shows: { as: 'list', to: rules.listed },
  },
  getAssetStats: {
    rule: rules.totals,
    ask: ({ service }) => ({ query: { service } }),
    shows: { as: 'total', to: rules.listed },
  },
  getAsset: { rule: readAsset, ask: byId },
  headAsset: { rule: readAsset, ask: byId },
  getAssetMetadata: { rule: readMetadata, ask: byId },
  mergeAssetMetadata: { rule: change, ask: world => ({ ...byId(world), json: { a: 1 } }) },
  downloadAsset: { rule: readAsset, ask: byId },
  headDownload: { rule: readAsset, ask: byId },
  updateAsset: { rule: change, ask: world => ({ ...byId(world), json: { name: 'taken' } }) },
  putAssetContent: { rule: change, ask: world => ({ ...byId(world), bytes: 'taken' }) },
  removeAsset: { rule: change, ask: byId },
  restoreAsset: {
    rule: restore,
    prepare: async ({ lab, id }) => {
      await lab.must('DELETE', `/api/v2/assets/${id}`)
      return {}
    },
    ask: byId,
  },
  copyAsset: {
    rule: change,
    ask: ({ id, bucket, who }) => ({
      params: { id },
      json: { bucket, key: freeKey(), owner_id: who.id },
    }),
  },
  moveAsset: { rule: change, ask: world => ({ ...byId(world), json: { key: freeKey() } }) },
  batchDelete: {
    rule: change,
    ask: ({ id }) => ({ json: { ids: [id] } }),
    inner: answer => answer?.results?.[0]?.status,
  },
  batchDownload: { rule: readAsset, ask: ({ id }) => ({ json: { ids: [id] } }) },
} as const satisfies Record<string, Row>

export const keyedRows = {
  listBucketAssets: {
    rule: rules.listBucket,
    ask: ({ bucket, key }) => ({ params: { bucket }, query: { prefix: key } }),
    shows: { as: 'list', to: readAsset },
  },
  putByKey: { rule: create, ask: world => ({ ...byKey(world), bytes: 'taken' }), creates: true },
  getByKey: { rule: readAsset, ask: byKey },
  headByKey: { rule: readAsset, ask: byKey },
  removeByKey: { rule: change, ask: byKey },
  putByKeyQuery: {
    rule: create,
    ask: world => ({ ...byQuery(world), bytes: 'taken' }),
    creates: true,
  },
  getByKeyQuery: { rule: readAsset, ask: byQuery },
  headByKeyQuery: { rule: readAsset, ask: byQuery },
  removeByKeyQuery: { rule: change, ask: byQuery },
} as const satisfies Record<string, Row>

const ofVersion = ({ id }: World) => ({ params: { id, version_id: '1' } })
/** The asset has a second version, so that the first can be removed or come back. */
const twoVersions = async ({ lab, id }: World) => {
  await lab.must('PUT', `/api/v2/assets/${id}/content`, Buffer.from(`${canary} 2 ${id}`))
  return {}
}

export const versionRows = {
  listVersions: { rule: rules.readVersions, ask: byId },
  createVersion: {
    rule: change,
    ask: world => ({ ...byId(world), form: { fields: {}, files: 1 } }),
  },
  compareVersions: {
    rule: rules.readVersions,
    ask: ({ id }) => ({ params: { id }, query: { from: '1', to: '1' } }),
  },
  pruneVersions: { rule: change, ask: world => ({ ...byId(world), json: { dry_run: false } }) },
  getHistory: { rule: rules.readVersions, ask: byId },
  getVersion: { rule: rules.readVersions, ask: ofVersion },
  updateVersion: {
    rule: change,
    ask: world => ({ ...ofVersion(world), json: { change_description: 'taken' } }),
  },
  removeVersion: { rule: change, prepare: twoVersions, ask: ofVersion },
  downloadVersion: { rule: rules.readVersions, ask: ofVersion },
  headVersion: { rule: rules.readVersions, ask: ofVersion },
  rollbackVersion: { rule: change, prepare: twoVersions, ask: ofVersion },
  tagVersion: { rule: change, ask: world => ({ ...ofVersion(world), json: { name: 'taken' } }) },
} as const satisfies Record<string, Row>

/** Another asset of the same owner at the same place, and a link to it. */
const linked = async ({ lab, id, ownerId, bucket }: World) => {
  const path = `/api/v2/buckets/${bucket}/assets/${freeKey()}?owner_id=${ownerId}`
  const other = (await lab.must('PUT', path, Buffer.from(canary))).id
  const link = { type: 'kin', asset_id: other }
  return { other, link: (await lab.must('POST', `/api/v2/assets/${id}/links`, link)).id }
}
const token = async (world: World) => {
  const { url } = await world.lab.must('GET', `/api/v2/assets/${world.id}/presigned-url`)
  return { token: url.split('/').at(-1) }
}
const byToken = ({ made: { token: text = '' } }: World) => ({ params: { token: text } })

export const linkRows = {
  listLinks: { rule: readAsset, ask: byId },
  addLink: {
    rule: change,
    prepare: linked,
    ask: world => ({ ...byId(world), json: { type: 'other', asset_id: world.made.other } }),
  },
  removeLink: {
    rule: change,
    prepare: linked,
    ask: ({ id, made: { other = '' } }) => ({
      params: { id },
      query: { type: 'kin', asset_id: other },
    }),
  },
  removeLinkById: {
    rule: change,
    prepare: linked,
    ask: ({ id, made: { link = '' } }) => ({ params: { id, link_id: link } }),
  },
  presignDownload: { rule: rules.lendReading, ask: byId },
  presignUpload: {
    rule: create,
    ask: ({ bucket, key, ownerId }) => ({ json: { bucket, key, owner_id: ownerId } }),
  },
  // The link is the credential: whoever has it acts with the rights of its maker.
  openLink: { rule: rules.open, prepare: token, ask: byToken },
  headLink: { rule: rules.open, prepare: token, ask: byToken },
  putLink: {
    rule: rules.open,
    prepare: async ({ lab, bucket }) => {
      const place = { bucket, key: freeKey() }
      const { url } = await lab.must('POST', '/api/v2/presigned-uploads', place)
      return { token: url.split('/').at(-1) }
    },
    ask: world => ({ ...byToken(world), bytes: 'put by link' }),
  },
} as const satisfies Record<string, Row>
