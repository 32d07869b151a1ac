import { hash } from 'node:crypto'
import { newUuid } from '@holdfast/core/ids.ts'
import type { AccessKey, MultipartUpload, UploadPart } from '@holdfast/core/objects.ts'
import {
  type ApiKey,
  type Asset,
  type Bucket,
  defaultBucketSettings,
  type Link,
  type Quota,
  type Version,
} from '@holdfast/core/records.ts'
import { FakeClock } from '../fake-clock.ts'
import { SeededRandom } from '../seeded-random.ts'

/** Whole records with plain values; tests name only what they are about. */

const clock = new FakeClock(Date.UTC(2026, 4, 1))
const random = new SeededRandom(20260501)

/** Ids of one run are in the order of their making. */
export function newId(): string {
  clock.jump(1)
  return newUuid(clock, random)
}

/** Times of one run differ by a second each. */
export function newTime(): string {
  clock.jump(1000)
  return new Date(clock.now()).toISOString()
}

export function newBucket(given: Partial<Bucket> & { name: string }): Bucket {
  const at = newTime()
  return {
    id: newId(),
    settings: defaultBucketSettings,
    ownerId: null,
    createdAt: at,
    createdBy: 'tester',
    updatedAt: at,
    seq: 0,
    ...given,
  }
}

export function newAsset(given: Partial<Asset> & { bucketId: string; key: string }): Asset {
  const at = newTime()
  return {
    id: newId(),
    createdSeq: 0,
    seq: 0,
    name: given.key.split('/').at(-1) ?? given.key,
    type: 'binary',
    service: 'tests',
    ownerId: '00000000-0000-7000-8000-000000000001',
    tags: [],
    metadata: {},
    acl: null,
    createdAt: at,
    createdBy: 'tester',
    updatedAt: at,
    deletedAt: null,
    trashed: false,
    versionId: newId(),
    versionNumber: 1,
    size: 0,
    sha256: '',
    contentType: 'application/octet-stream',
    contentAt: at,
    lastNumber: 1,
    ...given,
  }
}

/** The version that the asset shows. */
export function versionOf(asset: Asset, given: Partial<Version> = {}): Version {
  return {
    id: asset.versionId,
    seq: 0,
    createdSeq: 0,
    assetId: asset.id,
    number: asset.versionNumber,
    kind: 'content',
    sha256: asset.sha256,
    md5: null,
    size: asset.size,
    contentType: asset.contentType,
    metadata: {},
    tags: [],
    change: 'create',
    description: '',
    createdAt: asset.contentAt,
    createdBy: 'tester',
    deletedAt: null,
    ...given,
  }
}

export function newLink(given: Partial<Link> & { fromId: string; toId: string }): Link {
  return {
    id: newId(),
    seq: 0,
    type: 'related',
    createdAt: newTime(),
    createdBy: 'tester',
    ...given,
  }
}

export function newQuota(given: Partial<Quota> & Pick<Quota, 'scope' | 'name'>): Quota {
  return {
    seq: 0,
    bytesMax: 1000,
    assetsMax: null,
    updatedAt: newTime(),
    updatedBy: 'tester',
    ...given,
  }
}

export function newKey(given: Partial<ApiKey> & { name: string }): ApiKey {
  const id = given.id ?? newId()
  return {
    id,
    seq: 0,
    hash: hash('sha256', id),
    prefix: 'hf_abc',
    permissions: ['assets:read'],
    buckets: null,
    makerId: null,
    createdAt: newTime(),
    createdBy: 'tester',
    expiresAt: null,
    revokedAt: null,
    ...given,
  }
}

export function newAccessKey(given: Partial<AccessKey> & { id: string }): AccessKey {
  return {
    seq: 0,
    name: given.id,
    principalId: newId(),
    userId: null,
    sealedSecret: 'c2VhbGVk',
    permissions: ['assets:read'],
    buckets: null,
    makerId: null,
    createdAt: newTime(),
    createdBy: 'tester',
    expiresAt: null,
    revokedAt: null,
    ...given,
  }
}

export function newUpload(
  given: Partial<MultipartUpload> & { bucketId: string; key: string },
): MultipartUpload {
  return {
    id: newId(),
    seq: 0,
    createdSeq: 0,
    service: 'tests',
    ownerId: '00000000-0000-7000-8000-000000000001',
    createdAt: newTime(),
    initiatorId: 'tester',
    createdBy: 'tester',
    checksum: null,
    facets: {},
    ...given,
  }
}

export function newPart(
  given: Partial<UploadPart> & Pick<UploadPart, 'uploadId' | 'number' | 'sha256' | 'size'>,
): UploadPart {
  return {
    id: `${given.uploadId}/${given.number}`,
    seq: 0,
    md5: 'd41d8cd98f00b204e9800998ecf8427e',
    checksum: null,
    createdAt: newTime(),
    ...given,
  }
}
