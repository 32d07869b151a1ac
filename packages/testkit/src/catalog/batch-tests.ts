import assert from 'node:assert/strict'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Step } from '../test-transactions.ts'
import { catalogTest, keysOf } from './catalog-test.ts'
import { checkTotals, dump } from './dump.ts'
import { newAsset, versionOf } from './records.ts'
import type { OpenCatalog } from './under-test.ts'

/** Many writes at once: they may share a commit, but not their fate. */
export function batchTests(open: OpenCatalog): void {
  catalogTest(open, 'C3 a failed write leaves nothing while its neighbours commit', async desk => {
    const bucket = await desk.bucket({ name: 'batch' })
    const writes: Promise<unknown>[] = []
    const expected: string[] = []
    for (let i = 0; i < 60; i += 1) {
      const key = `key-${String(i).padStart(2, '0')}`
      // Neighbours share contents, so that one may fail right after it was first to keep a blob.
      const { steps, staged } = await desk.assetSteps(
        { bucketId: bucket.id, key, service: `service-${i % 7}`, tags: [`tag-${i % 5}`] },
        `content of ${Math.floor(i / 3)}`,
      )
      const fails = i % 3 === 0
      const last: Step[] = [{ do: 'pause' }]
      if (fails && i % 2 === 0) last.push({ do: 'refuse', code: 'ASSET_EXISTS' })
      else if (fails) last.push({ do: 'throw', message: 'broken' })
      else expected.push(key)
      writes.push(desk.write([...steps, ...last], staged))
    }
    const results = await Promise.allSettled(writes)
    for (const [i, result] of results.entries()) {
      assert.equal(result.status, i % 3 === 0 ? 'rejected' : 'fulfilled', `write ${i}`)
    }
    const found = await dump(desk.view)
    assert.deepEqual(keysOf(found.assets).sort(), expected)
    assert.equal(found.blobs.length, 20)
    checkTotals(found)
    if (desk.under.rebuild === undefined) return
    desk.catalog = await desk.under.rebuild()
    assert.deepEqual(await dump(desk.view), found)
  })
  catalogTest(open, 'C1 of racing writers of one key one wins', async desk => {
    const bucket = await desk.bucket({ name: 'race' })
    const racers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        desk.assetSteps({ bucketId: bucket.id, key: 'wanted' }, `racer ${i}`),
      ),
    )
    const results = await Promise.allSettled(
      racers.map(({ steps, staged }) => desk.write(steps, staged)),
    )
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    const winner = racers[results.findIndex(({ status }) => status === 'fulfilled')]
    const found = await desk.view.assets.byKey(bucket.id, 'wanted')
    assert.equal(found?.id, winner?.record.id)
    checkTotals(await dump(desk.view))
  })
  catalogTest(open, 'C6 the change sequence has no gaps for readers', async desk => {
    const bucket = await desk.bucket({ name: 'sequence' })
    let writing = true
    const read = async () => {
      let last = 0
      const seen: number[] = []
      while (writing || last < (await desk.view.changes.latest())) {
        const changes = await desk.view.changes.after(last, 7)
        seen.push(...changes.map(({ seq }) => seq))
        last = seen.at(-1) ?? 0
        if (changes.length === 0) await new Promise(resolve => setImmediate(resolve))
      }
      return seen
    }
    const readers = [read(), read()]
    const note = { do: 'note', change: { what: 'bucket.updated', bucketId: bucket.id } } as const
    const write = async (i: number) => {
      if (i % 4 === 0) return await desk.write([note, { do: 'throw', message: 'gap?' }])
      return await desk.write(i % 4 === 1 ? [note, note, note] : [note])
    }
    const results = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => write(i)))
    writing = false
    const expected = Array.from({ length: 1 + 25 * 5 }, (_, i) => i + 1)
    for (const seen of await Promise.all(readers)) assert.deepEqual(seen, expected)
    assert.equal(await desk.view.changes.latest(), 126)
    const seqs = results.flatMap(result => (result.status === 'fulfilled' ? result.value.seqs : []))
    assert.deepEqual(
      seqs.sort((a, b) => a - b),
      expected.slice(1),
    )
  })
  sameTransactionTests(open)
  catalogTest(open, 'C2 a large plain result crosses whole', async desk => {
    const bytes = await desk.run('bigResult', 100_000)
    assert.ok(bytes instanceof Uint8Array && bytes.length === 100_000 && bytes[99_999] === 7)
  })
}

/** The order of writes inside one transaction counts, live and when the catalog is made again. */
function sameTransactionTests(open: OpenCatalog): void {
  catalogTest(open, 'C8 a record put twice in one transaction counts once', async desk => {
    const bucket = await desk.bucket({ name: 'twice' })
    const { steps, staged, record } = await desk.assetSteps(
      { bucketId: bucket.id, key: 'k', service: 'first', tags: ['old'] },
      'content',
    )
    const again = { ...record, service: 'second', tags: ['new'], metadata: { final: true } }
    const version = versionOf(again, { description: 'final' })
    const [keep, put, putVersion, note] = steps
    assert.ok(keep && put && putVersion && note)
    await desk.write(
      [
        keep,
        put,
        putVersion,
        { do: 'asset', record: again },
        { do: 'version', record: version },
        note,
      ],
      staged,
    )
    const found = await dump(desk.view)
    assert.deepEqual(found.assets[0]?.metadata, { final: true })
    assert.equal(found.versions[0]?.description, 'final')
    checkTotals(found)
    const tagged = { deleted: 'with', limit: 9 } as const
    assert.equal((await desk.view.assets.list({ ...tagged, tagsAny: ['old'] })).length, 0)
    assert.equal((await desk.view.assets.list({ ...tagged, tagsAny: ['new'] })).length, 1)
    if (desk.under.rebuild === undefined) return
    desk.catalog = await desk.under.rebuild()
    assert.deepEqual(await dump(desk.view), found)
  })
  catalogTest(open, 'C2 remove and put in one transaction keep their order', async desk => {
    const bucket = await desk.bucket({ name: 'order' })
    const old = await desk.asset({ bucketId: bucket.id, key: 'k' }, 'old')
    const fresh = await desk.assetSteps({ bucketId: bucket.id, key: 'k' }, 'old')
    await desk.write(
      [
        { do: 'remove', what: 'version', id: old.version.id },
        { do: 'remove', what: 'asset', id: old.asset.id },
        ...fresh.steps,
      ],
      fresh.staged,
    )
    const found = await dump(desk.view)
    assert.deepEqual(
      found.assets.map(({ id }) => id),
      [fresh.record.id],
    )
    checkTotals(found)
    if (desk.under.rebuild === undefined) return
    desk.catalog = await desk.under.rebuild()
    assert.deepEqual(await dump(desk.view), found)
  })
  catalogTest(
    open,
    'C6 several assets of one transaction have changes of their own',
    async desk => {
      const bucket = await desk.bucket({ name: 'several' })
      const steps: Step[] = ['a', 'b', 'c'].flatMap(key => {
        const record = newAsset({ bucketId: bucket.id, key })
        return [
          { do: 'asset', record },
          { do: 'note', change: { what: 'asset.created', assetId: record.id } },
        ] satisfies Step[]
      })
      const { seqs } = await desk.write(steps)
      assert.deepEqual(seqs, [2, 3, 4])
      const found = await desk.view.assets.list({ deleted: 'without', limit: 10 })
      assert.deepEqual(keysOf(found), ['c', 'b', 'a'])
      assert.deepEqual(
        found.map(({ createdSeq, seq }) => [createdSeq, seq]),
        [
          [4, 4],
          [3, 3],
          [2, 2],
        ],
      )
    },
  )
  catalogTest(open, 'C3 what a refusal hides is only what it threw', async desk => {
    const refused = await desk
      .write([{ do: 'throw', message: 'secret path' }])
      .catch(error => error)
    assert.ok(isHoldfastError(refused))
    assert.equal(refused.code, 'INTERNAL')
    assert.ok(!JSON.stringify(refused.details).includes('secret'))
  })
}
