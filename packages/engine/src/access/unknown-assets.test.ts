import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { getAsset, getAssetByKey } from '../assets/get.ts'
import { addLink, listLinks } from '../assets/links.ts'
import { copyAsset, moveAsset } from '../assets/move.ts'
import { removeAsset, removeAssetByKey, restoreAsset } from '../assets/remove.ts'
import { createBucket } from '../buckets/buckets.ts'
import { getObject } from '../objects/find-object.ts'
import { anonymousCall, callOf, openTestStore, owner, put } from '../test-store.test.ts'
import { listVersions } from '../versions/list.ts'
import { explainAccess } from './explain.ts'
import { presignDownload, presignUpload } from './links/presign.ts'

/** A private bucket and a public one; in each an asset of everyone, and one nobody is let see. */
async function openBuckets() {
  const opened = await openTestStore()
  const { engine, call } = opened
  await createBucket(engine, call, { name: 'public', settings: { publicRead: true } })
  const acl = { read: [], write: [] }
  const ids: Record<string, string> = {}
  for (const bucket of ['photos', 'public']) {
    ids[`${bucket}/plain`] = (await put(opened, 'plain', 'x', { bucket })).asset.id
    ids[`${bucket}/hidden`] = (await put(opened, 'hidden', 'x', { bucket, acl })).asset.id
  }
  return { ...opened, ids, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
}

/** What the caller learns: code and details, with the asked name taken out. */
async function answerOf(work: Promise<unknown>, asked: string): Promise<string> {
  try {
    await work
    return 'done'
  } catch (error) {
    assert.ok(isHoldfastError(error))
    return `${error.code} ${JSON.stringify(error.details).replaceAll(asked, 'ASKED')}`
  }
}

const callers: Record<string, Call> = {
  'a confined key': callOf({ permissions: ['*'], buckets: ['alpha'] }),
  'a writer': callOf({ permissions: ['assets:*'] }),
  'a reader': callOf({ permissions: ['assets:read'] }),
  'a key without scopes for assets': callOf({ permissions: ['metrics:read'] }),
  nobody: anonymousCall,
}

describe('an asset that the caller may not know of', () => {
  for (const [who, caller] of Object.entries(callers)) {
    it(`is by its key as absent as a free one to ${who}`, async () => {
      await using set = await openBuckets()
      const { engine } = set
      for (const bucket of ['photos', 'public']) {
        // Public assets may be known to everybody, so only the hidden one is asked for there.
        const unseen = bucket === 'photos' && caller.principal.buckets !== null
        for (const key of unseen ? ['plain', 'hidden'] : ['hidden']) {
          const asks: ((asked: string) => Promise<unknown>)[] = [
            asked => getAssetByKey(engine, caller, bucket, asked),
            asked => removeAssetByKey(engine, caller, { bucket, key: asked }),
            asked => {
              const grant = { bucket, key: asked, sizeMax: 9, service: 's', ownerId: owner }
              return presignUpload(engine, caller, grant)
            },
          ]
          for (const ask of asks) {
            const absent = await answerOf(ask('absent'), 'absent')
            assert.equal(await answerOf(ask(key), key), absent, `${bucket} ${ask}`)
          }
        }
      }
    })

    it(`is by its id as absent as an unused one to ${who}`, async () => {
      await using set = await openBuckets()
      const { engine, ids } = set
      const unused = '0199D0C0-0000-7000-8000-0000000000FF'
      const asks: ((id: string) => Promise<unknown>)[] = [
        id => getAsset(engine, caller, id),
        id => getAsset(engine, caller, id, { includeDeleted: true }),
        id => removeAsset(engine, caller, id),
        id => presignDownload(engine, caller, { assetId: id }),
        id => copyAsset(engine, caller, id, { key: 'copy' }),
        id => moveAsset(engine, caller, id, { key: 'moved' }),
        id => addLink(engine, caller, id, { type: 'x', to: unused }),
      ]
      for (const id of [ids['photos/hidden'] ?? '', ids['public/hidden'] ?? '']) {
        for (const ask of asks) {
          const absent = await answerOf(ask(unused), unused)
          const asked = id.toUpperCase()
          assert.equal(await answerOf(ask(asked), asked), absent, String(ask))
        }
      }
    })
  }

  it('is as absent as an unused one, once deleted, to who reads a public bucket', async () => {
    await using set = await openBuckets()
    const { engine, call } = set
    const linked = (await put(set, 'linked', 'x', { bucket: 'public' })).asset.id
    const id = set.ids['public/plain'] ?? ''
    await addLink(engine, call, id, { type: 'x', to: linked })
    await removeAsset(engine, call, id)
    const unused = '0199d0c0-0000-7000-8000-0000000000ff'
    const asks: ((id: string) => Promise<unknown>)[] = [
      id => getAsset(engine, caller, id, { includeDeleted: true }),
      id => removeAsset(engine, caller, id, { hard: true }),
      id => restoreAsset(engine, caller, id),
      id => listVersions(engine, caller, id),
      id => listVersions(engine, caller, id, { includeDeleted: true }),
      id => copyAsset(engine, caller, id, { key: 'copy' }),
    ]
    const objects = ['plain', 'absent'].map(key => {
      return async () => getObject(engine, caller, { bucket: 'public', key })
    })
    const { 'a writer': writer, 'a reader': reader, ...strangers } = callers
    let caller = anonymousCall
    const [there, absent] = objects
    assert.ok(there && absent)
    for (caller of Object.values(strangers)) {
      for (const ask of asks) {
        const answer = await answerOf(ask(unused), unused)
        assert.equal(await answerOf(ask(id), id), answer, String(ask))
      }
      assert.equal(await answerOf(there(), 'plain'), await answerOf(absent(), 'absent'))
      assert.deepEqual((await listLinks(engine, caller, linked)).items, [])
      const question = { permission: 'assets:read', assetId: id } as const
      const { allowed, reason } = await explainAccess(engine, caller, question)
      assert.deepEqual([allowed, reason], [false, 'not there, or hidden from the caller'])
    }
    for (caller of [writer ?? call, reader ?? call, call]) {
      assert.match(await answerOf(there(), 'plain'), /"delete_marker":true/)
    }
    assert.equal((await getAsset(engine, writer ?? call, id, { includeDeleted: true })).id, id)
    assert.equal((await listLinks(engine, call, linked)).total, 1)
  })

  it('is refused in the same words to who puts at its key, whatever its list', async () => {
    await using set = await openBuckets()
    const id = '0199d0c0-0000-7000-8000-0000000000b2'
    const bob = { engine: set.engine, call: callOf({ id, ownPermissions: ['assets:*'] }) }
    const refusals: string[] = []
    for (const key of ['plain', 'hidden']) {
      refusals.push(await answerOf(put(bob, key, 'y', { ownerId: id }), key))
    }
    assert.match(refusals[0] ?? '', /^FORBIDDEN .*"no scope grants it"/)
    assert.equal(refusals[0], refusals[1])
  })

  it('is named to nobody who only knows its key', async () => {
    await using set = await openBuckets()
    const { engine, ids } = set
    const confined = callers['a confined key'] ?? anonymousCall
    const id = ids['photos/plain'] ?? ''
    const answer = await answerOf(
      removeAssetByKey(engine, confined, { bucket: 'photos', key: 'plain' }),
      id,
    )
    assert.equal(answer, 'BUCKET_NOT_FOUND {"bucket":"photos"}')
  })
})
