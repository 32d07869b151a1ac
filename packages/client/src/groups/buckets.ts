import type { QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { BucketCreate, BucketUpdate } from '@holdfast/contract/schemas/bucket.ts'
import type { CallOptions } from '../options.ts'
import { eachByCursor } from '../pages.ts'
import { callJson } from '../wire/operations.ts'
import type { Transport } from '../wire/transport.ts'

export function bucketCalls(transport: Transport) {
  const list = async (query: QueryOf<Routes['listBuckets']> = {}, options: CallOptions = {}) =>
    await callJson(transport, 'listBuckets', {
      method: 'GET',
      path: '/api/v2/buckets',
      query,
      options,
    })
  return {
    /** One page, by name. */
    list,

    listAll(options: CallOptions = {}) {
      return eachByCursor(cursor => list(cursor === undefined ? {} : { cursor }, options))
    },

    async get(bucket: string, options: CallOptions = {}) {
      return await callJson(transport, 'getBucket', {
        method: 'GET',
        path: '/api/v2/buckets/{bucket}',
        params: { bucket },
        options,
      })
    },

    async create(bucket: BucketCreate, options: CallOptions = {}) {
      return await callJson(transport, 'createBucket', {
        method: 'POST',
        path: '/api/v2/buckets',
        json: bucket,
        options,
      })
    },

    /** Changes the given settings. */
    async update(bucket: string, settings: BucketUpdate, options: CallOptions = {}) {
      return await callJson(transport, 'updateBucket', {
        method: 'PUT',
        path: '/api/v2/buckets/{bucket}',
        params: { bucket },
        json: settings,
        options,
      })
    },

    /** Only an empty one. */
    async remove(bucket: string, options: CallOptions = {}): Promise<void> {
      await callJson(transport, 'removeBucket', {
        method: 'DELETE',
        path: '/api/v2/buckets/{bucket}',
        params: { bucket },
        options,
      })
    },
  }
}
