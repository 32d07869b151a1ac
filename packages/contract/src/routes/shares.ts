import Type from 'typebox'
import { route } from '../route.ts'
import { closed, cursor } from '../schemas/fields.ts'
import {
  fileKey,
  shareCreate,
  shareCreated,
  sharedFileParams,
  sharedQuery,
  sharedResponse,
  shareList,
  shareListQuery,
  shareParams,
  shareResponse,
  shareTokenParams,
} from '../schemas/share.ts'
import { content, reading } from './headers.ts'

const noQuery = Type.Object({}, closed)
const pageQuery = Type.Object({ cursor, key: fileKey }, closed)
const own = { tag: 'Share links', permission: 'self' } as const
const open = { tag: 'Share links', permission: 'open' } as const
const refusals = [
  'SHARE_NOT_FOUND',
  'SHARE_PASSWORD_NEEDED',
  'SHARE_LOCKED',
  // Where what the maker may changes again and again while a page is found.
  'CHANGED_MEANWHILE',
] as const

const bytes = {
  answer: { status: 200, description: 'The bytes.', media: '*/*', headers: content },
  also: [
    { status: 206, description: 'The asked ranges.', media: '*/*', headers: content },
    { status: 304, description: 'Not modified.' },
  ],
  errors: [...refusals, 'RANGE_NOT_SATISFIABLE'],
} as const
const noBytes = {
  answer: { status: 200, description: 'No body.', media: '*/*', headers: content },
  also: [{ status: 304, description: 'Not modified.' }],
  errors: refusals,
} as const
const COUNTING =
  'Each answer with bytes counts as a use, before the first byte leaves; HEAD, 304 and refusals ' +
  'count nothing. Links with `uses_max` are answered whole, whatever range is asked for. ' +
  'A password is sent by HTTP Basic authentication; the user name does not matter.'

export const shareRoutes = {
  createShare: route({
    ...own,
    method: 'POST',
    path: '/api/v2/shares',
    summary: 'Make a link that opens an asset or a part of a bucket',
    description:
      'Needs `assets:read` on what is shared, then and at every use: the link never opens more ' +
      'than its maker may read at that moment. One that lasts longer than 7 days takes a fresh ' +
      'proof of who a person is.',
    body: { kind: 'json', schema: shareCreate },
    answer: { status: 201, description: 'The share, with its link.', schema: shareCreated },
    errors: [
      'ASSET_NOT_FOUND',
      'BUCKET_NOT_FOUND',
      'CONFIRMATION_REQUIRED',
      'TOO_MANY_ITEMS',
      'VERSION_NOT_FOUND',
    ],
  }),
  listShares: route({
    ...own,
    method: 'GET',
    path: '/api/v2/shares',
    summary: 'List own share links; with `admin:users` also those of others',
    query: shareListQuery,
    answer: { status: 200, description: 'A page, oldest first.', schema: shareList },
  }),
  getShare: route({
    ...own,
    method: 'GET',
    path: '/api/v2/shares/{id}',
    summary: 'Get a share link, without the link',
    params: shareParams,
    answer: { status: 200, description: 'The share.', schema: shareResponse },
    errors: ['SHARE_NOT_FOUND'],
  }),
  revokeShare: route({
    ...own,
    method: 'DELETE',
    path: '/api/v2/shares/{id}',
    summary: 'Revoke a share link',
    params: shareParams,
    answer: { status: 204, description: 'It opens nothing from now on.' },
    errors: ['SHARE_NOT_FOUND'],
  }),
  describeShare: route({
    ...open,
    method: 'GET',
    path: '/api/v2/shared/{token}',
    summary: 'What a share link opens; counts nothing',
    params: shareTokenParams,
    query: sharedQuery,
    answer: { status: 200, description: 'A page of files.', schema: sharedResponse },
    errors: [...refusals, 'INVALID_CURSOR'],
  }),
  openShare: route({
    ...open,
    method: 'GET',
    path: '/s/{token}',
    summary: 'Download what was shared; of a part of a bucket, a page with its files',
    description: COUNTING,
    params: shareTokenParams,
    query: pageQuery,
    headers: reading,
    ...bytes,
  }),
  headShare: route({
    ...open,
    method: 'HEAD',
    path: '/s/{token}',
    summary: 'Headers of the download; counts nothing',
    params: shareTokenParams,
    query: pageQuery,
    headers: reading,
    ...noBytes,
  }),
  openSharedFile: route({
    ...open,
    method: 'GET',
    path: '/s/{token}/{key+}',
    summary: 'Download a file from a shared part of a bucket',
    description: COUNTING,
    params: sharedFileParams,
    query: noQuery,
    headers: reading,
    ...bytes,
  }),
  headSharedFile: route({
    ...open,
    method: 'HEAD',
    path: '/s/{token}/{key+}',
    summary: 'Headers of that download; counts nothing',
    params: sharedFileParams,
    query: noQuery,
    headers: reading,
    ...noBytes,
  }),
} as const
