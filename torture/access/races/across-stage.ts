import type { Lab } from '../open-lab.ts'
import { jsonOf, type Tree } from '../wire.ts'
import { acrossActs, otherOf } from './across-acts.ts'
import type { Scene, Stage } from './race.ts'
import {
  contentOf,
  mustS3,
  openPeople,
  openPolicy,
  openScene,
  recordOf,
  stateOf,
  type ThingPeople,
} from './thing-stage.ts'

/** Two buckets: that of an owner, opened to a guest, and that of the guest, opened to the owner. */
export async function openAcrossStage(lab: Lab): Promise<Stage> {
  const people = await openPeople(lab, 'across')
  return {
    name: 'across',
    acts: acrossActs(),
    meet: (one, other) => !(one.isWide && other.isWide),
    open: async mark => await openTwo(lab, mark, people),
    state: stateOfTwo,
  }
}

async function openTwo(lab: Lab, mark: string, people: ThingPeople): Promise<Scene> {
  const scene = await openScene(lab, { mark, shape: 'plain', people })
  const { owner, guest } = people
  const other = otherOf(scene)
  const path = `/${other}`
  await mustS3(lab, guest, { method: 'PUT', path })
  const versions = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
  const versioning = { method: 'PUT', path, query: { versioning: '' }, body: versions }
  await mustS3(lab, guest, versioning)
  const body = openPolicy(other, owner)
  await mustS3(lab, guest, { method: 'PUT', path, query: { policy: '' }, body })
  await mustS3(lab, guest, { method: 'PUT', path: `${path}/k`, body: 'there' })
  const uploads = { method: 'POST', path: `${path}/k`, query: { uploads: '' } }
  const begun = await mustS3(lab, owner, uploads)
  const { id } = await recordOf(lab, other)
  const there = await lab.context.engine.catalog.view.assets.byKey(id, 'k')
  const otherUpload = /<UploadId>([^<]+)</.exec(begun.text)?.[1] ?? ''
  return { ...scene, ids: { ...scene.ids, other: id, there: there?.id ?? '', otherUpload } }
}

/** The state of both, and what each can read of what came across. */
async function stateOfTwo(scene: Scene): Promise<Tree> {
  const { lab, ids, owner, guest } = scene
  const { view } = lab.context.engine.catalog
  const name = otherOf(scene)
  const before = await view.buckets.byId(ids.other ?? '')
  const now = await view.buckets.byName(name)
  const contents: Tree[] = []
  for (const id of new Set([ids.other ?? '', now?.id ?? ids.other ?? ''])) {
    contents.push(await contentOf(scene, id))
  }
  const reads: Tree[] = []
  for (const key of ['k', 'copied', 'kept']) {
    for (const { headers } of [owner, guest, { headers: {} }]) {
      const path = `/api/v2/buckets/${name}/assets/${key}`
      const answer = await lab.rest.ask({ method: 'GET', path, headers })
      reads.push(answer.status < 300 ? answer.text : jsonOf(answer)?.code)
    }
  }
  return {
    source: await stateOf(scene),
    target: { before: before ?? null, now: now?.id === before?.id ? 'the same' : (now ?? null) },
    ...{ contents, reads, usage: await view.quotas.usage('bucket', name) },
    quota: (await view.quotas.get('bucket', name)) ?? null,
  }
}
