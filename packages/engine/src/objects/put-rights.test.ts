import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { createUpload } from '../multipart/uploads.ts'
import { bytesOf, callOf, openTestStore, refused, type TestStore } from '../test-store.test.ts'
import { copyObject } from './copy-object.ts'
import type { ObjectInput } from './object-facets.ts'
import { putObject } from './put-object.ts'

const bucket = 'photos'
const holder = callOf({ id: 'holder', permissions: ['assets:*', 'metadata:*', 'versions:*'] })
const acl = { owner: 'holder', grants: [] }
const retention = { mode: 'GOVERNANCE', until: '2100-01-01T00:00:00.000Z' } as const
const asked: [action: string, facets: ObjectInput][] = [
  ['s3:PutObjectAcl', { acl }],
  ['s3:PutObjectTagging', { tags: [{ key: 'a', value: 'b' }] }],
  ['s3:PutObjectRetention', { retention }],
  ['s3:PutObjectLegalHold', { legalHold: true }],
]

async function setPolicy({ engine, call }: TestStore, ...statements: JsonObject[]) {
  const about = { Principal: '*', Resource: 'arn:aws:s3:::photos/*' }
  const Statement = statements.map(one => ({ ...about, ...one }))
  const document = { Version: '2012-10-17', Statement }
  await setBucketDocument(engine, call, { bucket, name: 'policy', document })
}

const put = ({ engine }: TestStore, who: Call, facets: ObjectInput, key = 'k') =>
  putObject(engine, who, { bucket, key, source: bytesOf('x'), facets })

describe('what the headers of a put do beside putting', () => {
  for (const [action, facets] of asked) {
    it(`is asked of policies as ${action}, however the object is made`, async () => {
      await using opened = await openTestStore()
      const { engine, call } = opened
      await put(opened, call, {}, 'source')
      await setPolicy(opened, { Effect: 'Deny', Action: action })
      const from = { bucket, key: 'source' }
      const to = { bucket, key: 'k' }
      const copy = (given: ObjectInput) => {
        const { tags, ...others } = given
        return copyObject(engine, holder, {
          from,
          to,
          replaceMetadata: false,
          tags,
          facets: others,
        })
      }
      const begin = (given: ObjectInput) => createUpload(engine, holder, { ...to, facets: given })
      await put(opened, holder, {})
      await copy({})
      await begin({})
      await assert.rejects(put(opened, holder, facets), refused('FORBIDDEN'))
      await assert.rejects(copy(facets), refused('FORBIDDEN'))
      await assert.rejects(begin(facets), refused('FORBIDDEN'))
    })
  }

  it('is opened by its own action only, and putting by its own', async () => {
    await using opened = await openTestStore()
    const guest = callOf({ kind: 'user', id: 'guest' })
    await setPolicy(opened, { Effect: 'Allow', Action: 's3:PutObject' })
    await put(opened, guest, {})
    const own = { acl: { owner: 'guest', grants: [] } }
    await assert.rejects(put(opened, guest, own), refused('FORBIDDEN'))
    await setPolicy(opened, { Effect: 'Allow', Action: ['s3:PutObject', 's3:PutObjectAcl'] })
    await put(opened, guest, own)
  })
})
