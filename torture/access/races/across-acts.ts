import { byOf, type Do, emptied } from './composed-acts.ts'
import type { Act, Person, Scene } from './race.ts'
import { openPolicy } from './thing-stage.ts'

export const otherOf = ({ bucket }: Pick<Scene, 'bucket'>) => `${bucket}-other`

/** Copies and moves from a bucket to that of somebody else, and what may come between. */
export function acrossActs(): readonly Act[] {
  const acts = (given: Readonly<Record<string, Do>>, isOne: boolean) =>
    Object.entries(given).map(([name, run]) => ({
      ...{ name, isOne, isWide: !Object.hasOwn(across, name) },
      run: async (scene: Scene, send: Parameters<Act['run']>[1]) =>
        await run(scene, byOf(scene, send)),
    }))
  return [...acts(across, true), ...acts(changes, true), ...acts(several, false)]
}

function copies(who: 'owner' | 'guest'): Do {
  return async (scene, by) => {
    const { id: owner_id } = scene[who]
    const json = { bucket: otherOf(scene), key: 'copied', owner_id }
    await by.rest(scene[who], 'POST', `/api/v2/assets/${scene.ids.k}/copy`, json)
  }
}

function moves(who: 'owner' | 'guest'): Do {
  return async (scene, by) => {
    const json = { bucket: otherOf(scene), key: 'kept' }
    await by.rest(scene[who], 'POST', `/api/v2/assets/${scene.ids.k}/move`, json)
  }
}

function copiesByS3(who: 'owner' | 'guest', key: string, sub = ''): Do {
  return async (scene, by) => {
    const headers = { 'x-amz-copy-source': `${scene.bucket}/k` }
    const { otherUpload: uploadId = '' } = scene.ids
    const query = sub === 'part' ? { uploadId, partNumber: '1' } : {}
    await by.s3(scene[who], 'PUT', `/${otherOf(scene)}/${key}`, { headers, query })
  }
}

const across: Readonly<Record<string, Do>> = {
  'copy across': copies('owner'),
  'copy across (guest)': copies('guest'),
  'move across': moves('owner'),
  'move across (guest)': moves('guest'),
  's3 copy across': copiesByS3('owner', 'copied'),
  's3 copy across (guest)': copiesByS3('guest', 'copied'),
  's3 copy over': copiesByS3('owner', 'k'),
  's3 part copied across': copiesByS3('owner', 'k', 'part'),
  'move back': async (scene, by) => {
    const json = { bucket: scene.bucket, key: 'away' }
    await by.rest(scene.guest, 'POST', `/api/v2/assets/${scene.ids.there}/move`, json)
  },
}

type Side = 'source' | 'target'
const nameOf = (scene: Scene, side: Side) => (side === 'source' ? scene.bucket : otherOf(scene))
const holderOf = (scene: Scene, side: Side): Person =>
  side === 'source' ? scene.owner : scene.guest
const strangerOf = (scene: Scene, side: Side) =>
  holderOf(scene, side === 'source' ? 'target' : 'source')

function closes(side: Side, actions = 's3:*'): Do {
  return async (scene, by) => {
    const name = nameOf(scene, side)
    const { Statement } = JSON.parse(openPolicy(name, strangerOf(scene, side)))
    const denial = { ...Statement[0], Effect: 'Deny', Action: actions }
    const body = JSON.stringify({ Version: '2012-10-17', Statement: [...Statement, denial] })
    await by.s3(holderOf(scene, side), 'PUT', `/${name}`, { query: { policy: '' }, body })
  }
}

function sets(side: Side, settings: (scene: Scene) => object, who?: 'admin'): Do {
  return async (scene, by) => {
    const path = `/api/v2/buckets/${nameOf(scene, side)}`
    await by.rest(
      who === 'admin' ? scene.admin : holderOf(scene, side),
      'PUT',
      path,
      settings(scene),
    )
  }
}

const asset = ({ ids }: Scene) => `/api/v2/assets/${ids.k}`

/** Of one request each. */
const changes: Readonly<Record<string, Do>> = {
  'source closed': closes('source'),
  'source closed to reading': closes('source', 's3:GetObject'),
  'source closed to removing': closes('source', 's3:DeleteObject'),
  'target closed': closes('target'),
  'target closed to writing': closes('target', 's3:PutObject'),
  'policy of the source gone': async (scene, by) => {
    await by.s3(scene.owner, 'DELETE', `/${scene.bucket}`, { query: { policy: '' } })
  },
  'policy of the target gone': async (scene, by) => {
    await by.s3(scene.guest, 'DELETE', `/${otherOf(scene)}`, { query: { policy: '' } })
  },
  'source given': sets('source', ({ guest }) => ({ owner_id: guest.id }), 'admin'),
  'target given': sets('target', ({ owner }) => ({ owner_id: owner.id }), 'admin'),
  'target bound': sets('target', () => ({ content_types: ['image/*'], asset_bytes_max: 1 })),
  'target without versions': sets('target', () => ({ versioning: 'disabled' })),
  'target keeps one version': sets('target', () => ({ versions_max: 1 })),
  'target opened to all': sets('target', () => ({ public_read: true })),
  'target full': async (scene, by) => {
    const path = `/api/v2/quotas/bucket/${otherOf(scene)}`
    await by.rest(scene.admin, 'PUT', path, { assets_max: 0 })
  },
  'source to the trash': async (scene, by) => await by.rest(scene.owner, 'DELETE', asset(scene)),
  'source gone': async (scene, by) => {
    await by.rest(scene.owner, 'DELETE', `${asset(scene)}?hard_delete=true`)
  },
  'source put again': async (scene, by) => {
    await by.s3(scene.owner, 'PUT', `/${scene.bucket}/k`, { body: 'third' })
  },
  'source guarded': async (scene, by) => {
    const acl = { read: [scene.owner.id], write: [scene.owner.id] }
    await by.rest(scene.owner, 'PUT', asset(scene), { acl })
  },
  'source tagged closed': async (scene, by) => {
    const body =
      '<Tagging><TagSet><Tag><Key>closed</Key><Value>yes</Value></Tag></TagSet></Tagging>'
    await by.s3(scene.owner, 'PUT', `/${scene.bucket}/k`, { query: { tagging: '' }, body })
  },
  'source key deleted': async (scene, by) => {
    await by.s3(scene.owner, 'DELETE', `/${scene.bucket}/k`)
  },
  'target key put': async (scene, by) => {
    await by.s3(scene.guest, 'PUT', `/${otherOf(scene)}/copied`, { body: 'of the guest' })
  },
  'target key deleted': async (scene, by) => {
    await by.s3(scene.guest, 'DELETE', `/${otherOf(scene)}/k`)
  },
  'target upload ended': async (scene, by) => {
    const query = { uploadId: scene.ids.otherUpload ?? '' }
    await by.s3(scene.owner, 'DELETE', `/${otherOf(scene)}/k`, { query })
  },
}

const several: Readonly<Record<string, Do>> = {
  'source removed and restored': async (scene, by) => {
    await by.rest(scene.owner, 'DELETE', asset(scene))
    await by.rest(scene.owner, 'PUT', `${asset(scene)}/restore`)
  },
  'source moved, another in its place': async (scene, by) => {
    await by.rest(scene.owner, 'POST', `${asset(scene)}/move`, { key: 'away' })
    await by.s3(scene.guest, 'PUT', `/${scene.bucket}/k`, { body: 'of the guest' })
  },
  'source bucket anew by another': async (scene, by) => {
    await emptied(scene, by)
    await by.s3(scene.guest, 'PUT', `/${scene.bucket}`)
  },
  'target bucket removed': async (scene, by) => await targetEmptied(scene, by),
  'target bucket anew by another': async (scene, by) => {
    await targetEmptied(scene, by)
    await by.s3(scene.owner, 'PUT', `/${otherOf(scene)}`)
  },
  'target closed and opened': async (scene, by) => {
    await closes('target')(scene, by)
    const body = openPolicy(otherOf(scene), scene.owner)
    await by.s3(scene.guest, 'PUT', `/${otherOf(scene)}`, { query: { policy: '' }, body })
  },
}

const targetEmptied: Do = async (scene, by) => {
  await emptied({ ...scene, bucket: otherOf(scene), bucketId: scene.ids.other ?? '' }, by)
}
