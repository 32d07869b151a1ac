import { bounds } from '@holdfast/core/limits.ts'
import Type from 'typebox'
import { route } from '../route.ts'
import { assetResponse } from '../schemas/asset.ts'
import { closed } from '../schemas/fields.ts'
import {
  linkCreate,
  linkList,
  linkListQuery,
  linkParams,
  linkRemoveQuery,
  linkResponse,
  presignedDownload,
  presignedUpload,
  presignQuery,
  presignUpload,
} from '../schemas/link.ts'
import { assetParams } from './assets.ts'
import { content, digests, preconditions, reading, written } from './headers.ts'

/** Nothing beside the token: what is not signed cannot be asked for. */
const noQuery = Type.Object({}, closed)
const tokenParams = Type.Object({ token: Type.String({ minLength: 1, maxLength: 8192 }) })
const links = '/api/v2/assets/{id}/links'
const presigned = '/api/v2/presigned/{token}'

export const linkRoutes = {
  listLinks: route({
    method: 'GET',
    path: links,
    tag: 'Links',
    permission: 'assets:read',
    summary: 'Links from and to an asset',
    params: assetParams,
    query: linkListQuery,
    answer: { status: 200, description: 'A page, oldest first.', schema: linkList },
    errors: ['ASSET_NOT_FOUND'],
  }),
  addLink: route({
    method: 'POST',
    path: links,
    tag: 'Links',
    permission: 'assets:write',
    summary: 'Link an asset to another one; cycles are allowed',
    description:
      `An asset has at most ${bounds.linksPerAssetMax} links to others. As many lead to it from ` +
      'those who may only read it, and as many more from those who may write it.',
    params: assetParams,
    body: { kind: 'json', schema: linkCreate },
    answer: { status: 201, description: 'The link.', schema: linkResponse },
    errors: ['ASSET_NOT_FOUND', 'LINK_EXISTS'],
  }),
  removeLink: route({
    method: 'DELETE',
    path: links,
    tag: 'Links',
    permission: 'assets:write',
    summary: 'Remove the link of a type to another asset',
    params: assetParams,
    query: linkRemoveQuery,
    answer: { status: 204, description: 'Removed.' },
    errors: ['ASSET_NOT_FOUND', 'LINK_NOT_FOUND'],
  }),
  removeLinkById: route({
    method: 'DELETE',
    path: `${links}/{link_id}`,
    tag: 'Links',
    permission: 'assets:write',
    summary: 'Remove a link',
    description: 'By who may write either asset, of the links that the list shows.',
    params: linkParams,
    answer: { status: 204, description: 'Removed.' },
    errors: ['ASSET_NOT_FOUND', 'LINK_NOT_FOUND'],
  }),
  presignDownload: route({
    method: 'GET',
    path: '/api/v2/assets/{id}/presigned-url',
    tag: 'Presigned links',
    permission: 'assets:read',
    summary: 'Make a link to download an asset without a credential',
    params: assetParams,
    query: presignQuery,
    answer: { status: 200, description: 'The link.', schema: presignedDownload },
    errors: ['ASSET_NOT_FOUND', 'VERSION_NOT_FOUND'],
  }),
  presignUpload: route({
    method: 'POST',
    path: '/api/v2/presigned-uploads',
    tag: 'Presigned links',
    permission: 'assets:write',
    summary: 'Make a link to upload one key without a credential',
    description: 'Pins method, bucket, key, largest size and, if given, the content type.',
    body: { kind: 'json', schema: presignUpload },
    answer: { status: 201, description: 'The link.', schema: presignedUpload },
    errors: ['BUCKET_NOT_FOUND', 'INVALID_NAME'],
  }),
  openLink: route({
    method: 'GET',
    path: presigned,
    tag: 'Presigned links',
    permission: 'open',
    summary: 'Download by link',
    params: tokenParams,
    query: noQuery,
    headers: reading,
    answer: { status: 200, description: 'The bytes.', media: '*/*', headers: content },
    also: [
      { status: 206, description: 'The asked ranges.', media: '*/*', headers: content },
      { status: 304, description: 'Not modified.' },
    ],
    errors: ['LINK_INVALID', 'ASSET_NOT_FOUND', 'RANGE_NOT_SATISFIABLE', 'PRECONDITION_FAILED'],
  }),
  headLink: route({
    method: 'HEAD',
    path: presigned,
    tag: 'Presigned links',
    permission: 'open',
    summary: 'Headers of the download by link',
    params: tokenParams,
    query: noQuery,
    headers: reading,
    answer: { status: 200, description: 'No body.', media: '*/*', headers: content },
    also: [{ status: 304, description: 'Not modified.' }],
    errors: ['LINK_INVALID', 'ASSET_NOT_FOUND', 'PRECONDITION_FAILED'],
  }),
  putLink: route({
    method: 'PUT',
    path: presigned,
    tag: 'Presigned links',
    permission: 'open',
    summary: 'Upload by link',
    params: tokenParams,
    query: noQuery,
    headers: {
      'content-type': 'Must be the pinned one, if one is pinned.',
      ...preconditions,
      ...digests,
    },
    body: { kind: 'bytes' },
    answer: { status: 200, description: 'Replaced.', schema: assetResponse, headers: written },
    also: [{ status: 201, description: 'Created.', schema: assetResponse, headers: written }],
    errors: [
      'LINK_INVALID',
      'PRECONDITION_FAILED',
      'CHANGED_MEANWHILE',
      'BODY_TOO_LARGE',
      'QUOTA_EXCEEDED',
      'STORAGE_FULL',
    ],
  }),
} as const
