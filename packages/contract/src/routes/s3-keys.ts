import { route } from '../route.ts'
import {
  s3KeyCreate,
  s3KeyCreated,
  s3KeyList,
  s3KeyListQuery,
  s3KeyParams,
} from '../schemas/s3-key.ts'

export const s3KeyRoutes = {
  listS3Keys: route({
    method: 'GET',
    path: '/api/v2/s3/keys',
    tag: 'S3 access keys',
    permission: 'self',
    summary: 'List S3 access keys, without the secrets',
    description: 'All of them with `keys:admin`; users without it see their own.',
    query: s3KeyListQuery,
    answer: { status: 200, description: 'The keys, revoked ones too.', schema: s3KeyList },
    errors: ['FORBIDDEN'],
  }),
  createS3Key: route({
    method: 'POST',
    path: '/api/v2/s3/keys',
    tag: 'S3 access keys',
    permission: 'self',
    summary: 'Issue a pair of access key id and secret for the S3 door',
    description:
      'A key of a user is that user, as far as both key and user reach at the moment of a ' +
      'request. Users make keys for themselves; `keys:admin` makes keys that stand alone, and ' +
      'with `admin:users` keys for others. None grants more than its maker holds.',
    body: { kind: 'json', schema: s3KeyCreate },
    answer: { status: 201, description: 'The pair, its secret this once.', schema: s3KeyCreated },
    errors: ['CONFIRMATION_REQUIRED', 'FORBIDDEN', 'TOO_MANY_ITEMS', 'USER_NOT_FOUND'],
  }),
  revokeS3Key: route({
    method: 'DELETE',
    path: '/api/v2/s3/keys/{id}',
    tag: 'S3 access keys',
    permission: 'self',
    summary: 'Revoke an S3 access key at once',
    params: s3KeyParams,
    answer: { status: 204, description: 'Revoked.' },
    errors: ['FORBIDDEN', 'KEY_NOT_FOUND'],
  }),
} as const
