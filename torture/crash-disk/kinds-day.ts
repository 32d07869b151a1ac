import { systemPrincipal } from '@holdfast/core/principal.ts'
import { createAccessKey } from '@holdfast/engine/access/keys/access-keys.ts'
import { createKey } from '@holdfast/engine/access/keys/keys.ts'
import { addLink } from '@holdfast/engine/assets/links.ts'
import { removeAsset } from '@holdfast/engine/assets/remove.ts'
import { commit } from '@holdfast/engine/commit.ts'
import { createGroup } from '@holdfast/engine/identity/groups/groups.ts'
import { uploadPart } from '@holdfast/engine/multipart/upload-part.ts'
import { createUpload } from '@holdfast/engine/multipart/uploads.ts'
import { setQuota } from '@holdfast/engine/quotas/quotas.ts'
import { bodySource } from '@holdfast/testkit/self-describing-bodies.ts'
import type { OpenedEngine } from './engine-lab.ts'

export interface KindsDay {
  readonly bucket: string
  put(key: string, size: number): Promise<string>
  collect(): Promise<void>
}

/**
 * One record of every kind that a pack can hold, beside bodies that die: when the pack is given
 * back, nobody but the new pack has them.
 */
export async function keepEveryKind(opened: OpenedEngine, day: KindsDay): Promise<void> {
  const { engine, call } = opened
  const { bucket } = day
  const linked = await day.put('linked', 300)
  await addLink(engine, call, linked, { type: 'to', to: await day.put('other', 200) })
  await setQuota(engine, call, { scope: 'bucket', name: bucket }, { assetsMax: 99 })
  await createKey(engine, call, { name: 'reader', permissions: ['assets:read'] })
  await createAccessKey(engine, call, { name: 's3', userId: null, permissions: ['assets:read'] })
  await createGroup(engine, call, { name: 'people' })
  const facets = { userMetadata: {}, headers: {} }
  const { id: uploadId } = await createUpload(engine, call, { bucket, key: 'parts', facets })
  const source = bodySource(1, 700)
  await uploadPart(engine, call, { bucket, key: 'parts', uploadId, number: 1, source })
  const [key] = engine.auditKeys.ring
  const append = async () => {
    const args = { entries: [entryAt(opened)], key }
    return await commit(engine, call, { name: 'audits.append', args })
  }
  const old = await append()
  const after = await append()
  const dead: string[] = []
  for (let i = 0; i < 7; i += 1) dead.push(await day.put(`dead${i}`, 3900 - i))
  for (const id of dead) await removeAsset(engine, call, id, { hard: true })
  // That the old rows are gone is told by no other pack either.
  const args = { entry: entryAt(opened), key, after, last: old }
  const { isDropped } = await commit(engine, call, { name: 'audits.drop', args })
  if (!isDropped) throw new RangeError('no row of the audit log was dropped')
  await day.collect()
  await day.put('last', 100)
}

function entryAt({ clock }: OpenedEngine) {
  const { id, kind, name } = systemPrincipal
  return {
    at: new Date(clock.now()).toISOString(),
    ...{ actor: id, actorKind: kind, actorName: name, ip: '', agent: '', requestId: 'torture' },
    ...{ action: 'createBucket', outcome: 'success' as const, status: 201, code: null },
    ...{ resource: {}, detail: {} },
  }
}
