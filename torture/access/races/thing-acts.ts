import type { Route } from '@holdfast/contract/route.ts'
import { type OperationId, routes } from '@holdfast/contract/routes.ts'
import {
  type OperationName,
  type OperationRow,
  operations,
} from '@holdfast/server/doors/s3/operations.ts'
import { requestOf } from '../rest/requests.ts'
import type { Row, Wanted, World } from '../rest/row.ts'
import { rows } from '../rest/rows/all-rows.ts'
import { plainOf } from '../s3/s3-matrix.ts'
import { sign, signedForm } from '../s3/sign.ts'
import type { Asked } from '../wire.ts'
import { composedActs } from './composed-acts.ts'
import type { Act, Scene, Shape } from './race.ts'

type Who = 'owner' | 'guest' | 'admin'
interface Asks {
  readonly who: Who
  readonly prepare?: Row['prepare']
  readonly ask: (world: World) => Wanted
  readonly how?: string
}

const ofKey = ['/api/v2/assets', '/api/v2/buckets/{bucket}/asset']
const ofBucket: readonly OperationId[] = [
  ...(['uploadAsset', 'batchUpload', 'putByKey', 'presignUpload', 'putLink'] as const),
]
/** The same as another but for its name or the way to the key. */
const alike: readonly OperationId[] = [
  ...(['bulkUpload', 'putByKeyQuery', 'removeByKeyQuery', 'batchDownload'] as const),
]

const byBucket = ({ bucket }: World) => ({ params: { bucket } })
/** What the rows of the matrix ask of buckets of their own is asked of that of the scene. */
const ofScene: { readonly [Id in OperationId]?: readonly Asks[] } = {
  updateBucket: [
    { who: 'owner', ask: world => ({ ...byBucket(world), json: { public_read: true } }) },
    {
      ...{ who: 'owner', how: ' (versions)' },
      ask: world => ({ ...byBucket(world), json: { versions_max: 1 } }),
    },
    {
      ...{ who: 'admin', how: ' (give)' },
      ask: world => ({ ...byBucket(world), json: { owner_id: world.made.guest } }),
    },
    {
      ...{ who: 'admin', how: ' (nobodys)' },
      ask: world => ({ ...byBucket(world), json: { owner_id: null, versions_max: 2 } }),
    },
  ],
  removeBucket: [{ who: 'owner', ask: byBucket }],
  createBucket: [{ who: 'guest', ask: ({ bucket }) => ({ json: { name: bucket } }) }],
  setQuota: [
    {
      who: 'admin',
      ask: ({ bucket }) => ({ params: { scope: 'bucket', name: bucket }, json: { assets_max: 0 } }),
    },
  ],
  removeQuota: [
    {
      who: 'admin',
      prepare: async ({ lab, bucket }) => {
        await lab.must('PUT', `/api/v2/quotas/bucket/${bucket}`, { assets_max: 9 })
        return {}
      },
      ask: ({ bucket }) => ({ params: { scope: 'bucket', name: bucket } }),
    },
  ],
  addGrant: [
    {
      who: 'admin',
      ask: ({ bucket, made: { guest } }) => ({
        json: { principal_id: guest, bucket, permissions: ['assets:read', 'assets:write'] },
      }),
    },
  ],
  createShare: [
    { who: 'owner', ask: ({ id }) => ({ json: { asset_id: id } }) },
    { who: 'owner', how: ' (part)', ask: ({ bucket }) => ({ json: { bucket, prefix: '' } }) },
  ],
  copyAsset: [
    ...(['owner', 'guest'] as const).map(who => ({
      ...{ who, how: who === 'guest' ? ' (guest)' : '' },
      ask: ({ id, bucket, who: { id: owner_id } }: World) => {
        return { params: { id }, json: { bucket, key: 'copied', owner_id } }
      },
    })),
  ],
  updateAsset: [
    { who: 'owner', ask: ({ id }) => ({ params: { id }, json: { name: 'taken' } }) },
    {
      ...{ who: 'owner', how: ' (file)' },
      ask: ({ id }) => ({ params: { id }, form: { fields: { name: 'taken' }, files: 1 } }),
    },
  ],
  removeAsset: [
    { who: 'owner', ask: ({ id }) => ({ params: { id } }) },
    {
      ...{ who: 'owner', how: ' (for good)' },
      ask: ({ id }) => ({ params: { id }, query: { hard_delete: 'true' } }),
    },
  ],
  openShare: [
    {
      who: 'guest',
      prepare: async ({ lab, id }) => {
        const { url } = await lab.must('POST', '/api/v2/shares', { asset_id: id, uses_max: 1 })
        return { token: new URL(url).pathname.split('/').at(-1) ?? '' }
      },
      ask: ({ made: { token = '' } }) => ({ params: { token } }),
    },
  ],
}

/** All that changes a bucket or what lies in one, of both doors, and what is done by several. */
export function thingActs(shape: Shape): readonly Act[] {
  const acts = [...restActs(), ...s3Acts(), ...composedActs(shape)]
  if (shape !== 'bare') return acts
  return acts.filter(act => act.isWide || makesOfNothing.has(act.name))
}

export function isBucketAct({ isWide }: Act): boolean {
  return isWide
}

/** What can be asked for in a bucket that holds nothing. */
const makesOfNothing: ReadonlySet<string> = new Set([
  ...ofBucket,
  ...['s3.PutObject', 's3.CreateMultipartUpload', 's3.UploadPart', 's3.PostObject'],
  ...['s3.CompleteMultipartUpload', 's3.AbortMultipartUpload', 'createShare (part)'],
])

function restActs(): Act[] {
  const acts: Act[] = []
  for (const [operation, route] of Object.entries<Route>(routes)) {
    if (route.method === 'GET' || route.method === 'HEAD') {
      if (operation !== 'openShare') continue
    }
    if (named(alike, operation)) continue
    const row: Row = rows[operation as OperationId]
    const given = ofScene[operation as OperationId]
    const isOfThing = ofKey.some(path => route.path.startsWith(path)) || named(ofBucket, operation)
    if (given === undefined && !isOfThing && !operation.endsWith('ByKey')) continue
    const { prepare, ask } = row
    const asks: Asks = { who: 'owner', ask, ...(prepare === undefined ? {} : { prepare }) }
    for (const one of given ?? [asks]) acts.push(restAct(operation, route, one))
  }
  return acts
}

function named(names: readonly string[], operation: string): boolean {
  return names.includes(operation)
}

const wide = /^(update|remove|create)Bucket|Quota|Grant/

function restAct(operation: string, route: Route, { who, prepare, ask, how = '' }: Asks): Act {
  const name = `${operation}${how}`
  return {
    ...{ name, isOne: true, isWide: wide.test(operation) },
    ...(prepare === undefined
      ? {}
      : { prepare: async scene => await prepare(worldOf(scene, name, who)) }),
    run: async (scene, send) => {
      const wanted = ask(worldOf(scene, name, who))
      await send('rest', requestOf(route, wanted, scene[who].headers))
    },
  }
}

function worldOf(scene: Scene, name: string, who: Who): World {
  const { lab, owner, guest, bucket, ids, mark } = scene
  const { k: id = '' } = ids
  const made = { ...scene.made.get(name), guest: guest.id }
  const about = { lab, who: scene[who], kind: 'own', bucket, key: 'k', id, made } as const
  return { ...about, ownerId: owner.id, service: `mx-service-${mark}` }
}

/** By which a guest shows what was decided for somebody else than the owner. */
const byGuest: ReadonlySet<string> = new Set<OperationName>([
  ...(['PutObject', 'DeleteObject', 'CopyObject', 'CompleteMultipartUpload'] as const),
  ...(['PutBucketPolicy', 'PutObjectTagging', 'PutBucketAcl', 'PutObjectAcl'] as const),
])

function s3Acts(): Act[] {
  const acts: Act[] = []
  for (const [name, row] of Object.entries<OperationRow>(operations)) {
    if (row.state === 'refused' || row.method === 'GET' || row.method === 'HEAD') continue
    if (name === 'Preflight') continue
    acts.push(s3Act(name as OperationName, row, 'owner'))
    if (byGuest.has(name)) acts.push(s3Act(name as OperationName, row, 'guest'))
  }
  return [...acts, listedAct]
}

/** By who may set the list of an object because that list says so. */
const listedAct: Act = {
  ...{ name: 's3.PutObjectAcl (listed)', isOne: true, isWide: false },
  run: async ({ lab, bucket, guest }, send) => {
    const headers = { 'x-amz-grant-full-control': `id=${guest.id}` }
    const plain = { method: 'PUT', path: `/${bucket}/listed`, query: { acl: '' }, headers }
    const signing = { pair: guest.pair, host: lab.s3.host, nowMs: lab.now() }
    await send('s3', sign(plain, { ...signing, mode: 'header' }))
  },
}

function s3Act(name: OperationName, row: OperationRow, who: Who): Act {
  const ofAll = name === 'DeleteObjects' || name === 'PostObject'
  return {
    name: `s3.${name}${who === 'owner' ? '' : ` (${who})`}`,
    ...{ isOne: true, isWide: row.level === 'bucket' && !ofAll },
    run: async (scene, send) => {
      await send('s3', s3Asked(scene, { name, row, who }))
    },
  }
}

function s3Asked(
  { lab, bucket, ids, made, beganMs, ...people }: Scene,
  { name, row, who }: { name: OperationName; row: OperationRow; who: Who },
): Asked {
  const { pair } = people[who]
  const signing = { pair, host: lab.s3.host, nowMs: lab.now() }
  if (name === 'PostObject') return signedForm({ bucket, key: 'form', content: 'taken' }, signing)
  const { etag = '' } = made.get('part') ?? {}
  const place = { bucket, key: 'k', uploadId: ids.upload ?? '', etag, nowMs: beganMs }
  const plain = plainOf(name, row, place)
  const path = name === 'CreateBucket' ? `/${bucket}` : plain.path
  const more = name === 'UploadPart' ? { query: { ...plain.query, partNumber: '1' } } : {}
  return sign({ ...plain, path, ...more }, { ...signing, mode: 'header' })
}
