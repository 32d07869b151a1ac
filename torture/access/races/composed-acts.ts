import { requestOf } from '../rest/requests.ts'
import { sign } from '../s3/sign.ts'
import type { Act, Person, Scene, Send, Shape } from './race.ts'

export type Do = (scene: Scene, by: By) => Promise<void>
export interface By {
  rest(who: Person, method: string, path: string, body?: object | string): Promise<void>
  s3(who: Person, method: string, path: string, more?: More): Promise<void>
}
interface More {
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** What several requests do, each to its answer, while another one waits. */
export function composedActs(shape: Shape): readonly Act[] {
  const given = shape === 'bare' ? wide : { ...wide, ...narrow }
  return Object.entries<Do>(given).map(([name, run]) => ({
    ...{ name, isOne: false, isWide: Object.hasOwn(wide, name) },
    run: async (scene, send) => await run(scene, byOf(scene, send)),
  }))
}

const assets = ({ bucket }: Scene) => `/api/v2/buckets/${bucket}/assets`

const wide: Readonly<Record<string, Do>> = {
  'bucket anew by another': async (scene, by) => {
    await emptied(scene, by)
    await by.s3(scene.guest, 'PUT', `/${scene.bucket}`)
  },
  'bucket anew by its owner': async (scene, by) => {
    await emptied(scene, by)
    await by.s3(scene.owner, 'PUT', `/${scene.bucket}`)
  },
  'bucket opened to all': async (scene, by) => {
    await by.rest(scene.owner, 'PUT', `/api/v2/buckets/${scene.bucket}`, { public_read: true })
  },
  'bucket suspended': async (scene, by) => {
    const path = `/api/v2/buckets/${scene.bucket}`
    await by.rest(scene.owner, 'PUT', path, { versioning: 'suspended' })
  },
  'bucket without versions': async (scene, by) => {
    const path = `/api/v2/buckets/${scene.bucket}`
    await by.rest(scene.owner, 'PUT', path, { versioning: 'disabled' })
  },
  'types and sizes bound': async (scene, by) => {
    const rules = { content_types: ['image/*'], asset_bytes_max: 1 }
    await by.rest(scene.owner, 'PUT', `/api/v2/buckets/${scene.bucket}`, rules)
  },
  'public access blocked': async (scene, by) => {
    const body =
      '<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>' +
      '<IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>' +
      '<RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>'
    await by.s3(scene.owner, 'PUT', `/${scene.bucket}`, { query: { publicAccessBlock: '' }, body })
  },
  'locked by default': async (scene, by) => {
    const body =
      '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>' +
      '<DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention>' +
      '</Rule></ObjectLockConfiguration>'
    await by.s3(scene.owner, 'PUT', `/${scene.bucket}`, { query: { 'object-lock': '' }, body })
  },
}

const narrow: Readonly<Record<string, Do>> = {
  'object anew by another': async (scene, by) => {
    await by.rest(scene.owner, 'DELETE', `/api/v2/assets/${scene.ids.k}?hard_delete=true`)
    await by.s3(scene.guest, 'PUT', `/${scene.bucket}/k`, { body: 'of the guest' })
  },
  'object put and removed': async (scene, by) => {
    await by.s3(scene.owner, 'PUT', `/${scene.bucket}/k`, { body: 'third' })
    await by.s3(scene.owner, 'DELETE', `/${scene.bucket}/k`)
  },
  'removed and restored': async (scene, by) => {
    const path = `/api/v2/assets/${scene.ids.k}`
    await by.rest(scene.owner, 'DELETE', path)
    await by.rest(scene.owner, 'PUT', `${path}/restore`)
  },
  'moved away': async (scene, by) => {
    await by.rest(scene.owner, 'POST', `/api/v2/assets/${scene.ids.k}/move`, { key: 'away' })
  },
  'moved away, another in its place': async (scene, by) => {
    await by.rest(scene.owner, 'POST', `/api/v2/assets/${scene.ids.k}/move`, { key: 'away' })
    await by.s3(scene.guest, 'PUT', `/${scene.bucket}/k`, { body: 'of the guest' })
  },
  'closed to all but its owner': async (scene, by) => {
    const acl = { acl: { read: [scene.owner.id], write: [scene.owner.id] } }
    await by.rest(scene.owner, 'PUT', `/api/v2/assets/${scene.ids.k}`, acl)
  },
  'closed by a tag': async (scene, by) => {
    const tag = '<Tag><Key>closed</Key><Value>yes</Value></Tag>'
    const body = `<Tagging><TagSet>${tag}</TagSet></Tagging>`
    await by.s3(scene.owner, 'PUT', `/${scene.bucket}/k`, { query: { tagging: '' }, body })
  },
  'list closed': async (scene, by) => {
    const more = { query: { acl: '' }, headers: { 'x-amz-acl': 'private' } }
    await by.s3(scene.owner, 'PUT', `/${scene.bucket}/listed`, more)
  },
  held: async (scene, by) => {
    const body = '<LegalHold><Status>ON</Status></LegalHold>'
    await by.s3(scene.owner, 'PUT', `/${scene.bucket}/k`, { query: { 'legal-hold': '' }, body })
  },
  'put by key by the guest': async (scene, by) => {
    await by.rest(scene.guest, 'PUT', `${assets(scene)}/k`, 'by the guest')
  },
}

/** Of all that a scene puts there, for good; what was held is not asked for twice. */
export async function emptied(scene: Scene, by: By): Promise<void> {
  const { catalog } = scene.lab.context.engine
  const filter = { bucketId: scene.bucketId, deleted: 'with', limit: 100 } as const
  for (const { id } of await catalog.view.assets.list(filter)) {
    await by.rest(scene.admin, 'DELETE', `/api/v2/assets/${id}?hard_delete=true`)
  }
  await by.rest(scene.admin, 'DELETE', `/api/v2/buckets/${scene.bucket}`)
}

export function byOf({ lab }: Scene, send: Send): By {
  return {
    rest: async ({ headers }, method, path, body) => {
      const wanted = typeof body === 'string' ? { bytes: body } : { json: body }
      await send('rest', requestOf({ method, path } as never, wanted, headers))
    },
    s3: async ({ pair }, method, path, more = {}) => {
      const signing = { pair, mode: 'header', host: lab.s3.host, nowMs: lab.now() } as const
      await send('s3', sign({ method, path, ...more }, signing))
    },
  }
}
