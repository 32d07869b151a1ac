import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { updateAsset } from '../assets/update.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import type { Engine } from '../engine.ts'
import { addGrant, listGrants, removeGrant } from '../identity/groups/groups.ts'
import { principalOfUser } from '../identity/principal-of-user.ts'
import { createUser } from '../identity/users/users.ts'
import { uploadPartCopy } from '../multipart/upload-part.ts'
import { createUpload, listParts } from '../multipart/uploads.ts'
import { bytesOf, openTestStore, refused, type TestStore } from '../test-store.test.ts'
import { copyObject } from './copy-object.ts'
import { getObject } from './find-object.ts'
import { objectOwner } from './object-facets.ts'
import { setObjectAcl, setObjectTags } from './object-settings.ts'
import { putObject } from './put-object.ts'

const bucket = 'photos'
const from = { bucket, key: 'in/source' }
const to = { bucket, key: 'out/copy' }

/** Who may read below `in/` and write below `out/`. */
async function copier({ engine, call }: TestStore): Promise<Call> {
  const password = 'Correct-Horse-7-Battery'
  const user = await createUser(engine, call, { username: 'cop', password, roles: [] })
  const grant = { principalId: user.id, bucket }
  await addGrant(engine, call, { ...grant, prefix: 'in/', permissions: ['assets:read'] })
  await addGrant(engine, call, { ...grant, prefix: 'out/', permissions: ['assets:write'] })
  return { ...call, principal: (await principalOfUser(engine, user)).principal }
}

/** The engine, whose first read of a blob waits until `meanwhile` is done. */
function slow(engine: Engine, meanwhile: () => Promise<unknown>): Engine {
  let done: Promise<unknown> | undefined
  const element = new Proxy(engine.element, {
    get: (target, name) => {
      const found = Reflect.get(target, name, target)
      if (name !== 'read') return typeof found === 'function' ? found.bind(target) : found
      return async (...args: Parameters<typeof target.read>) => {
        done ??= meanwhile()
        await done
        return await target.read(...args)
      }
    },
  })
  return { ...engine, element }
}

const deny = (Condition: JsonObject) => {
  const about = { Action: 's3:GetObject', Resource: 'arn:aws:s3:::photos/in/*', Condition }
  return { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Principal: '*', ...about }] }
}
const denial = deny({})
const byTag = deny({ StringEquals: { 's3:ExistingObjectTag/closed': 'yes' } })

const put = async ({ engine, call }: TestStore) => {
  return await putObject(engine, call, { ...from, source: bytesOf('secret words'), facets: {} })
}

const TAKEN: Record<string, (opened: TestStore) => Promise<unknown>> = {
  'the end of a grant': async ({ engine, call }) => {
    const grants = await listGrants(engine, call, undefined)
    for (const { id, prefix } of grants) if (prefix === 'in/') await removeGrant(engine, call, id)
  },
  'a policy': async ({ engine, call }) => {
    await setBucketDocument(engine, call, { bucket, name: 'policy', document: denial })
  },
  'a tag': async ({ engine, call }) => {
    await setObjectTags(engine, call, { ...from, tags: [{ key: 'closed', value: 'yes' }] })
  },
  'the list of the object': async ({ engine, call }) => {
    const owner = objectOwner(await getObject(engine, call, from))
    await setObjectAcl(engine, call, { ...from, acl: { owner, grants: [] } })
  },
  'an access list': async ({ engine, call }) => {
    const { asset } = await getObject(engine, call, from)
    await updateAsset(engine, call, asset.id, { acl: { read: [], write: [] } })
  },
}

const HIDING: ReadonlySet<string> = new Set(['an access list', 'a tag'])

/** By what it is open at first, where that is not the grant. */
const OPENED: Record<string, (opened: TestStore, call: Call) => Promise<unknown>> = {
  'a tag': async ({ engine, call }) => {
    await setBucketDocument(engine, call, { bucket, name: 'policy', document: byTag })
  },
  'the list of the object': async ({ engine, call }, { principal }) => {
    await TAKEN['the end of a grant']?.({ engine, call } as TestStore)
    const owner = objectOwner(await getObject(engine, call, from))
    const grant = { grantee: { kind: 'user', id: principal.id }, permission: 'READ' } as const
    await setObjectAcl(engine, call, { ...from, acl: { owner, grants: [grant] } })
  },
}

const COPIES: Record<string, (engine: Engine, call: Call, uploadId: string) => Promise<unknown>> = {
  'of an object': async (engine, call) => {
    const input = { from, to, replaceMetadata: false, facets: {}, checksum: 'CRC32' } as const
    return await copyObject(engine, call, input)
  },
  'of a range to a part': async (engine, call, uploadId) => {
    const range = { first: 1, last: 5 }
    return await uploadPartCopy(engine, call, { ...to, uploadId, number: 1, from, range })
  },
}

describe('a copy whose source takes long to read', () => {
  for (const [copy, run] of Object.entries(COPIES)) {
    for (const [taken, take] of Object.entries(TAKEN)) {
      it(`${copy} is refused once ${taken} closed it`, async () => {
        await using opened = await openTestStore()
        const { engine } = opened
        await put(opened)
        const call = await copier(opened)
        await OPENED[taken]?.(opened, call)
        await getObject(engine, call, from)
        const { id } = await createUpload(engine, call, { ...to, facets: {} })
        const copying = run(
          slow(engine, async () => await take(opened)),
          call,
          id,
        )
        await assert.rejects(copying, refused(HIDING.has(taken) ? 'ASSET_NOT_FOUND' : 'FORBIDDEN'))
        await assert.rejects(getObject(engine, opened.call, to), refused('ASSET_NOT_FOUND'))
        const about = { ...to, uploadId: id, limit: 10 }
        assert.deepEqual((await listParts(engine, opened.call, about)).parts, [])
      })
    }

    it(`${copy} is made where what changed leaves it open`, async () => {
      await using opened = await openTestStore()
      const { engine, call: admin } = opened
      const { asset } = await put(opened)
      const call = await copier(opened)
      const { id } = await createUpload(engine, call, { ...to, facets: {} })
      const changing = async () => {
        const open = { acl: { read: [call.principal.id], write: [] } }
        await updateAsset(engine, admin, asset.id, open)
        await createUser(engine, admin, { username: 'other', password: 'Correct-Horse-7-Battery' })
      }
      await run(slow(engine, changing), call, id)
      const about = { ...to, uploadId: id, limit: 10 }
      const { parts } = await listParts(engine, admin, about)
      const made = await getObject(engine, admin, to).catch(() => undefined)
      assert.equal(parts.length + (made === undefined ? 0 : 1), 1)
    })
  }
})
