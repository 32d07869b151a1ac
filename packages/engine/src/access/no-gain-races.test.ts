import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { moveAsset } from '../assets/move.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { renameObject } from '../objects/copy-object.ts'
import { getObject } from '../objects/find-object.ts'
import { objectOwner } from '../objects/object-facets.ts'
import { setObjectAcl } from '../objects/object-settings.ts'
import { putObject } from '../objects/put-object.ts'
import { anonymousCall, bytesOf, openTestStore, refused } from '../test-store.test.ts'
import { authenticateKey, createKey, revokeKey } from './keys/keys.ts'
import { rightsMoment } from './rights-now.ts'

/** What happens while a move takes turns to judge the access lists of all versions. */

const at = { bucket: 'photos', key: 'k' }

/** Somebody who may not do everything with an asset whose lists count for nothing where it lies. */
async function held() {
  const opened = await openTestStore()
  const { engine, call } = opened
  await createBucket(engine, call, { name: 'open' })
  await updateBucket(engine, call, 'photos', { versioning: 'enabled' })
  const document = { ignorePublicAcls: true }
  await setBucketDocument(engine, call, { bucket: 'photos', name: 'publicAccessBlock', document })
  const { asset } = await putObject(engine, call, { ...at, source: bytesOf('secret'), facets: {} })
  const owner = objectOwner(await getObject(engine, call, at))
  const acl = { owner, grants: [] }
  await setObjectAcl(engine, call, { ...at, acl })
  const permissions = ['assets:read', 'assets:write']
  const { key, secret } = await createKey(engine, call, { name: 'ann', permissions })
  const principal = await authenticateKey(engine, secret)
  const ann: Call = { ...call, principal, moment: rightsMoment(engine) }
  const next = engine.lists.next.bind(engine.lists)
  const meanwhile = (happens: (turns: number) => Promise<unknown>) => {
    let turns = 0
    engine.lists.next = async caller => {
      await next(caller)
      turns += 1
      await happens(turns)
    }
    return () => turns
  }
  const grants = [{ grantee: 'all', permission: 'READ' } as const]
  const publish = () => setObjectAcl(engine, call, { ...at, acl: { owner, grants } })
  const ways = {
    'a move': () => moveAsset(engine, ann, asset.id, { bucket: 'open' }),
    'a rename': () => renameObject(engine, ann, { bucket: 'photos', from: 'k', to: 'pub/k' }),
  }
  return { opened, key, acl, ways, publish, meanwhile }
}

const gained = refused('FORBIDDEN', { reason: 'not held where it lies' })

describe('while the lists of its versions are judged', () => {
  it('a move opens nothing by a list that is set then', async () => {
    const { opened, ways, publish, meanwhile } = await held()
    await using _ = opened
    const { engine } = opened
    const turns = meanwhile(async count => count === 1 && (await publish()))
    await assert.rejects(ways['a move'](), gained)
    assert.ok(turns() > 1)
    const there = getObject(engine, anonymousCall, { bucket: 'open', key: 'k' })
    await assert.rejects(there, refused('UNAUTHENTICATED'))
  })

  for (const way of ['a move', 'a rename'] as const) {
    it(`${way} ends for who is shut out then`, async () => {
      const { opened, key, ways, meanwhile } = await held()
      await using _ = opened
      const { engine, call } = opened
      meanwhile(async count => count === 1 && (await revokeKey(engine, call, key.id)))
      await assert.rejects(ways[way](), refused('UNAUTHENTICATED'))
      assert.equal((await getObject(engine, call, at)).asset.key, 'k')
    })

    it(`${way} is decided anew where a list is set, and not where others get rights`, async () => {
      const { opened, acl, ways, meanwhile } = await held()
      await using _ = opened
      const { engine, call } = opened
      const turns = meanwhile(async count => {
        const { key } = await createKey(engine, call, {
          name: `${count}`,
          permissions: ['assets:read'],
        })
        await revokeKey(engine, call, key.id)
        if (count === 1) await setObjectAcl(engine, call, { ...at, acl })
      })
      await ways[way]()
      assert.equal(turns(), 2)
    })
  }
})
