import Type from 'typebox'
import { route } from '../route.ts'
import { assetResponse } from '../schemas/asset.ts'
import {
  batchDelete,
  batchDeleteResult,
  batchDownload,
  batchUploadResult,
} from '../schemas/batch.ts'
import { closed } from '../schemas/fields.ts'
import { batchRequest } from '../schemas/upload.ts'

const atomicQuery = Type.Object(
  { atomic: Type.Optional(Type.Boolean({ default: false, description: 'All files or none.' })) },
  closed,
)

const upload = {
  method: 'POST',
  tag: 'Assets',
  permission: 'assets:write',
  description:
    'A form with a JSON field `request` and one file part for each entry of its `files`, in the ' +
    'same order. Without `atomic`, every file stands for itself.',
  query: atomicQuery,
  body: { kind: 'form', fields: batchRequest, files: 'many', field: 'request' },
  answer: { status: 201, description: 'All stored.', schema: Type.Array(assetResponse) },
  also: [{ status: 207, description: 'Some were refused.', schema: batchUploadResult }],
  errors: [
    'BUCKET_NOT_FOUND',
    'ASSET_EXISTS',
    'BODY_TOO_LARGE',
    'TOO_MANY_ITEMS',
    'STORAGE_FULL',
    'DIGEST_MISMATCH',
  ],
} as const

export const batchRoutes = {
  batchUpload: route({
    ...upload,
    path: '/api/v2/assets/batch-upload',
    summary: 'Put several new assets by one form',
  }),
  bulkUpload: route({
    ...upload,
    path: '/api/v2/assets/bulk-upload',
    summary: 'Second address of batch-upload',
  }),
  batchDelete: route({
    method: 'POST',
    path: '/api/v2/assets/batch-delete',
    tag: 'Assets',
    permission: 'assets:write',
    summary: 'Delete several assets, each for itself',
    body: { kind: 'json', schema: batchDelete },
    answer: { status: 200, description: 'All deleted.', schema: batchDeleteResult },
    also: [{ status: 207, description: 'Some were refused.', schema: batchDeleteResult }],
    errors: ['TOO_MANY_ITEMS'],
  }),
  batchDownload: route({
    method: 'POST',
    path: '/api/v2/assets/batch-download',
    tag: 'Assets',
    permission: 'assets:read',
    summary: 'Download several assets as one zip or tar stream',
    body: { kind: 'json', schema: batchDownload },
    answer: { status: 200, description: 'The archive, made while sent.', media: '*/*' },
    errors: ['ASSET_NOT_FOUND', 'TOO_MANY_ITEMS'],
  }),
} as const
