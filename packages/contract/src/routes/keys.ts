import Type from 'typebox'
import { route } from '../route.ts'
import { keyList as assetKeyList, assetResponse, keyListQuery } from '../schemas/asset.ts'
import { bucketParams } from '../schemas/bucket.ts'
import { bucketName, closed, key } from '../schemas/fields.ts'
import { keyQuery, rawPutKeyQuery, rawPutQuery } from '../schemas/upload.ts'
import { content, preconditions, rawBody, reading, written } from './headers.ts'

const keyParams = Type.Object({ bucket: bucketName, key })
const flags = {
  info: Type.Optional(
    Type.Boolean({ default: false, description: 'Answer what is known of the asset, as JSON.' }),
  ),
  version: Type.Optional(Type.Integer({ minimum: 1, description: 'Version number.' })),
  inline: Type.Optional(Type.Boolean({ default: false, description: 'Ask to be shown.' })),
}
const removal = {
  hard_delete: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'Remove for good, with all versions; old ones need versions:write.',
    }),
  ),
}
const inPath = '/api/v2/buckets/{bucket}/assets/{key+}'
const inQuery = '/api/v2/buckets/{bucket}/asset'
const queryNote = 'For keys that programs would change in a path, such as `a/../b`.'

const put = {
  method: 'PUT',
  tag: 'Assets by key',
  permission: 'assets:write',
  headers: rawBody,
  body: { kind: 'bytes' },
  answer: {
    status: 200,
    description: 'Replaced or equal.',
    schema: assetResponse,
    headers: written,
  },
  also: [{ status: 201, description: 'Created.', schema: assetResponse, headers: written }],
  errors: [
    'VERSION_LOCKED',
    'BUCKET_NOT_FOUND',
    'PRECONDITION_FAILED',
    'BODY_TOO_LARGE',
    'BODY_INCOMPLETE',
    'LENGTH_MISMATCH',
    'QUOTA_EXCEEDED',
    'INVALID_NAME',
    'CONTENT_TYPE_REFUSED',
    'CONTENT_TYPE_MISMATCH',
    'DIGEST_MISMATCH',
    'DIGEST_UNSUPPORTED',
    'STORAGE_FULL',
  ],
} as const

const get = {
  method: 'GET',
  tag: 'Assets by key',
  permission: 'assets:read',
  headers: reading,
  answer: { status: 200, description: 'The bytes.', media: '*/*', headers: content },
  also: [
    { status: 206, description: 'The asked ranges.', media: '*/*', headers: content },
    { status: 304, description: 'Not modified.' },
  ],
  errors: ['BUCKET_NOT_FOUND', 'ASSET_NOT_FOUND', 'RANGE_NOT_SATISFIABLE', 'PRECONDITION_FAILED'],
} as const

const head = {
  method: 'HEAD',
  tag: 'Assets by key',
  permission: 'assets:read',
  headers: reading,
  answer: { status: 200, description: 'No body.', media: '*/*', headers: content },
  also: [{ status: 304, description: 'Not modified.' }],
  errors: ['BUCKET_NOT_FOUND', 'ASSET_NOT_FOUND', 'PRECONDITION_FAILED'],
} as const

const remove = {
  method: 'DELETE',
  tag: 'Assets by key',
  permission: 'assets:write',
  headers: { 'if-match': preconditions['if-match'] },
  answer: { status: 204, description: 'Deleted.' },
  errors: ['VERSION_LOCKED', 'BUCKET_NOT_FOUND', 'ASSET_NOT_FOUND', 'PRECONDITION_FAILED'],
} as const

export const keyRoutes = {
  listBucketAssets: route({
    method: 'GET',
    path: '/api/v2/buckets/{bucket}/assets',
    tag: 'Assets by key',
    permission: 'assets:read',
    summary: 'List the assets of a bucket in the order of their keys',
    params: bucketParams,
    query: keyListQuery,
    answer: { status: 200, description: 'A page.', schema: assetKeyList },
    errors: ['BUCKET_NOT_FOUND', 'INVALID_CURSOR'],
  }),
  putByKey: route({
    ...put,
    path: inPath,
    summary: 'Create or replace by key, raw bytes of any size',
    description: 'Changed content makes a version; equal content changes nothing.',
    params: keyParams,
    query: rawPutQuery,
  }),
  getByKey: route({
    ...get,
    path: inPath,
    summary: 'Download by key',
    params: keyParams,
    query: Type.Object(flags, closed),
  }),
  headByKey: route({
    ...head,
    path: inPath,
    summary: 'Headers of the content by key',
    params: keyParams,
    query: Type.Object(flags, closed),
  }),
  removeByKey: route({
    ...remove,
    path: inPath,
    summary: 'Delete by key',
    params: keyParams,
    query: Type.Object(removal, closed),
  }),
  putByKeyQuery: route({
    ...put,
    path: inQuery,
    summary: 'Create or replace, key in the query',
    description: queryNote,
    params: bucketParams,
    query: rawPutKeyQuery,
  }),
  getByKeyQuery: route({
    ...get,
    path: inQuery,
    summary: 'Download, key in the query',
    description: queryNote,
    params: bucketParams,
    query: Type.Object({ key, ...flags }, closed),
  }),
  headByKeyQuery: route({
    ...head,
    path: inQuery,
    summary: 'Headers of the content, key in the query',
    description: queryNote,
    params: bucketParams,
    query: Type.Object({ key, ...flags }, closed),
  }),
  removeByKeyQuery: route({
    ...remove,
    path: inQuery,
    summary: 'Delete, key in the query',
    description: queryNote,
    params: bucketParams,
    query: Type.Object({ ...keyQuery.properties, ...removal }, closed),
  }),
} as const
