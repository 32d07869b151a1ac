import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLab } from './open-lab.ts'
import { codeOf, type Scene } from './races/race.ts'
import { openPeople, openPolicy, openScene } from './races/thing-stage.ts'
import { requestOf } from './rest/requests.ts'
import { sign } from './s3/sign.ts'
import type { Wire } from './wire.ts'

const changesAtOnce = 300

test('300 who change one bucket at once all come through, at both doors', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-crowd-'))
  try {
    await using lab = await openLab(join(dir, 'data'))
    const people = await openPeople(lab, 'crowd')
    const scene = await openScene(lab, { mark: 'crowd', shape: 'plain', people })
    using rest = lab.rest.forMany()
    using s3 = lab.s3.forMany()
    const codes = await Promise.all(
      Array.from({ length: changesAtOnce }, (_, at) =>
        changes[at % changes.length]?.({ rest, s3 }, scene, at),
      ),
    )
    assert.deepEqual(new Set(codes), new Set(['done']))
    const kept = await lab.context.engine.catalog.view.buckets.byId(scene.bucketId)
    assert.deepEqual(Object.keys(kept?.documents ?? {}).sort(), ['policy', 'tagging'])
    assert.ok((kept?.settings.versionsMax ?? 0) > 0)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

interface Wires {
  readonly rest: Wire
  readonly s3: Wire
}

type Change = (wires: Wires, scene: Scene, at: number) => Promise<string>

/** Each of another part of it: none may undo what another one does. */
const changes: readonly Change[] = [
  async ({ rest }, { bucket, owner: { headers } }, at) => {
    const route = { method: 'PUT', path: `/api/v2/buckets/${bucket}` } as const
    return codeOf(await rest.ask(requestOf(route, { json: { versions_max: at + 1 } }, headers)))
  },
  async ({ s3 }, scene, at) => {
    const tags = `<TagSet><Tag><Key>at</Key><Value>${at}</Value></Tag></TagSet>`
    return await byS3(s3, scene, 'tagging', `<Tagging>${tags}</Tagging>`)
  },
  async ({ s3 }, scene) => await byS3(s3, scene, 'policy', openPolicy(scene.bucket, scene.guest)),
]

async function byS3(s3: Wire, { lab, bucket, owner }: Scene, sub: string, body: string) {
  const plain = { method: 'PUT', path: `/${bucket}`, query: { [sub]: '' }, body }
  const signing = { pair: owner.pair, mode: 'header', host: s3.host, nowMs: lab.now() } as const
  return codeOf(await s3.ask(sign(plain, signing)))
}
