import type { OperationId } from '@holdfast/contract/routes.ts'
import type { Wanted, World } from '../rest/row.ts'

interface MoreAsk {
  readonly name: string
  readonly ask: (world: World) => Wanted
  readonly once?: boolean
}

const byId = ({ id }: World) => ({ params: { id } })
const query = (name: string, more: Readonly<Record<string, string>>): MoreAsk => ({
  ...{ name, once: true },
  ask: () => ({ query: more }),
})
const inBucket = (name: string, more: Readonly<Record<string, string>>): MoreAsk => ({
  name,
  ask: ({ bucket }) => ({ params: { bucket }, query: more }),
})
const lists = [
  query('of all', { limit: '1000' }),
  query('of one', { limit: '1' }),
  query('of few', { limit: '3', offset: '2' }),
  query('with deleted', { include_deleted: 'true', limit: '1000' }),
  query('of deleted', { only_deleted: 'true', limit: '1000' }),
  query('by tag', { tags: 'hidden' }),
  query('by the right tag', { tags: 'right' }),
  query('by search', { search: 'hidden' }),
  query('by the right word', { search: 'right' }),
  query('by prefix', { prefix: 'closed/' }),
  query('by secret prefix', { prefix: 'secret/' }),
]
const explained = (name: string, more: (world: World) => object): MoreAsk => ({
  name,
  ask: world => ({ json: { permission: 'assets:read', ...more(world) } }),
})

/** What else the routes can be asked that the rows of the matrix do not ask. */
export const moreAsks: { readonly [Operation in OperationId]?: readonly MoreAsk[] } = {
  listAssets: [
    ...lists,
    { name: 'of the bucket', ask: ({ bucket }) => ({ query: { bucket, limit: '1000' } }) },
    { name: 'of the key', ask: ({ bucket, key }) => ({ query: { bucket, prefix: key } }) },
    { name: 'of the owner', ask: ({ ownerId }) => ({ query: { owner_id: ownerId } }) },
  ],
  getAssetStats: [query('of all', {})],
  listBuckets: [query('of all', { limit: '1000' }), query('of one', { limit: '1' })],
  listBucketAssets: [
    inBucket('of all', { limit: '1000' }),
    inBucket('of one', { limit: '1' }),
    inBucket('by prefix', { prefix: 'closed/' }),
    inBucket('by another prefix', { prefix: 'foreign/' }),
  ],
  explainAccess: [
    explained('of the asset', ({ id }) => ({ asset_id: id })),
    explained('of the key', ({ bucket, key }) => ({ bucket, key })),
    explained('of the bucket', ({ bucket }) => ({ bucket })),
  ],
  getAsset: [{ name: 'deleted', ask: world => ({ ...byId(world), query: { deleted: 'true' } }) }],
  batchDownload: [
    {
      name: 'of several',
      ask: ({ id }) => ({ json: { ids: [id, '0199a7e2-7a55-7c54-b6f4-0d5f7c1d1f3b'] } }),
    },
  ],
  moveAsset: [
    {
      name: 'into the hidden bucket',
      ask: world => ({ ...byId(world), json: { bucket: 'tw-hidden', key: 'moved' } }),
    },
    {
      name: 'into the policy',
      ask: world => ({ ...byId(world), json: { bucket: 'tw-policy', key: 'secret/kept' } }),
    },
  ],
  copyAsset: [
    {
      name: 'into the hidden bucket',
      ask: world => ({ ...byId(world), json: { bucket: 'tw-hidden', key: 'copied' } }),
    },
    {
      name: 'into the policy',
      ask: world => ({ ...byId(world), json: { bucket: 'tw-policy', key: 'secret/kept' } }),
    },
  ],
  presignUpload: [
    { name: 'own', ask: ({ bucket, key, who }) => ({ json: { bucket, key, owner_id: who.id } }) },
  ],
  createShare: [
    { name: 'of a part', ask: ({ bucket }) => ({ json: { bucket, prefix: '' } }) },
    { name: 'of the key', ask: ({ bucket, key }) => ({ json: { bucket, prefix: key } }) },
  ],
  getBucket: [
    { name: 'hidden', once: true, ask: () => ({ params: { bucket: 'tw-hidden' } }) },
    { name: 'owned', once: true, ask: () => ({ params: { bucket: 'tw-owned' } }) },
  ],
  getByKey: [
    {
      name: 'if none matches',
      ask: ({ bucket, key }) => ({ params: { bucket, key }, query: { version: '2' } }),
    },
  ],
  login: [
    {
      name: 'of the hidden',
      once: true,
      ask: () => ({ json: { username: 'tw-hidden', password: 'Wrong-Horse-7-Battery' } }),
    },
  ],
  forgotPassword: [
    { name: 'of the hidden', once: true, ask: () => ({ json: { username: 'tw-hidden' } }) },
  ],
}
