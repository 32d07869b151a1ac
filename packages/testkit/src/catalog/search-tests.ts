import assert from 'node:assert/strict'
import { runSeed, SeededRandom } from '../seeded-random.ts'
import { catalogTest, keysOf } from './catalog-test.ts'
import type { OpenCatalog } from './under-test.ts'

export function searchTests(open: OpenCatalog): void {
  catalogTest(
    open,
    'search finds words, prefixes and phrases, all of which must match',
    async desk => {
      const bucket = await desk.bucket({ name: 'search' })
      const put = (key: string, more: object = {}) =>
        desk.asset({ bucketId: bucket.id, key, ...more }, 'same')
      await put('annual report 2025.pdf', { tags: ['finance'] })
      await put('monthly_report.pdf', { metadata: { author: 'Åsa Öberg' } })
      await put('report annual draft.pdf', { deletedAt: '2026-01-01T00:00:00.000Z' })
      await put('holiday photo.jpg', { metadata: { place: { city: 'Kalmar' }, year: 2025 } })
      const found = async (search: string, more: object = {}) => {
        const filter = { deleted: 'without', search, ...more } as const
        const list = await desk.view.assets.list({ ...filter, limit: 10 })
        assert.equal(await desk.view.assets.count(filter), list.length)
        return keysOf(list)
      }
      assert.deepEqual(await found('report'), ['monthly_report.pdf', 'annual report 2025.pdf'])
      assert.deepEqual(await found('REP annu'), ['annual report 2025.pdf'])
      assert.deepEqual(await found('"annual report"'), ['annual report 2025.pdf'])
      assert.deepEqual(await found('"report annual"'), [])
      assert.deepEqual(await found('"annual rep"'), [])
      assert.deepEqual(await found('finance'), ['annual report 2025.pdf'])
      assert.deepEqual(await found('oberg'), ['monthly_report.pdf'])
      assert.deepEqual(await found('kalmar 2025'), ['holiday photo.jpg'])
      assert.deepEqual(await found('report photo'), [])
      assert.deepEqual(await found('annual', { deleted: 'only' }), ['report annual draft.pdf'])
      assert.deepEqual(await found('report', { bucketId: 'none' }), [])
    },
  )
  catalogTest(open, 'C4 search follows every change of an asset', async desk => {
    const bucket = await desk.bucket({ name: 'follow' })
    const { asset, version } = await desk.asset({ bucketId: bucket.id, key: 'apple' })
    const count = (search: string) => desk.view.assets.count({ deleted: 'with', search })
    assert.equal(await count('apple'), 1)
    const renamed = await desk.update(asset, { name: 'pear', key: 'pear', tags: ['ripe'] })
    assert.deepEqual([await count('apple'), await count('pear'), await count('ripe')], [0, 1, 1])
    await desk.update(renamed, { tags: [], metadata: { note: 'quince' } })
    assert.deepEqual([await count('ripe'), await count('quince')], [0, 1])
    await desk.write([
      { do: 'remove', what: 'version', id: version.id },
      { do: 'remove', what: 'asset', id: asset.id },
      { do: 'note', change: { what: 'asset.removed', assetId: asset.id } },
    ])
    assert.equal(await count('pear'), 0)
  })
  catalogTest(open, 'few and many words with one beginning are found alike', async desk => {
    const bucket = await desk.bucket({ name: 'beginnings' })
    const put = (key: string) => desk.asset({ bucketId: bucket.id, key })
    for (let i = 0; i < 40; i += 1) await put(`few${i % 3} many${i} all`)
    const last = await put('few3x')
    const keys = async (search: string) =>
      keysOf(await desk.view.assets.list({ deleted: 'with', search, limit: 100 }))
    assert.equal((await keys('few')).length, 41)
    assert.equal((await keys('FEW3')).length, 1)
    assert.equal((await keys('many')).length, 40)
    assert.equal((await keys('many1')).length, 11)
    assert.deepEqual(await keys('few2 many1'), [
      'few2 many17 all',
      'few2 many14 all',
      'few2 many11 all',
    ])
    assert.deepEqual((await keys('few all')).slice(0, 2), ['few0 many39 all', 'few2 many38 all'])
    assert.deepEqual(await keys('fewx'), [])
    await desk.update(last.asset, { name: 'other', key: 'other' })
    assert.equal((await keys('few')).length, 40, 'a word that nobody has any more')
    assert.deepEqual(await keys('few3'), [])
  })
  catalogTest(open, 'hostile search text is only text', async desk => {
    const bucket = await desk.bucket({ name: 'hostile' })
    await desk.asset({ bucketId: bucket.id, key: 'plain AND simple NEAR here.txt' })
    const hostile = [
      ...[
        '',
        ' ',
        '"',
        '""',
        '"""',
        '*',
        '**',
        '(',
        ')',
        '()',
        '^',
        '-',
        '+',
        ':',
        ',',
        '{}',
        '\0',
      ],
      ...[
        'AND',
        'OR',
        'NOT',
        'NEAR',
        'NEAR(a b, 5)',
        'a AND',
        'name : x',
        'name:plain',
        '{name}: x',
      ],
      ...[
        '- plain',
        '^plain',
        "'",
        "';--",
        '%',
        '_',
        '\\',
        '"unclosed',
        'a"b',
        'a""b',
        '\ud800',
        'a*b',
      ],
      ...[
        'x'.repeat(5000),
        '"a" '.repeat(2000),
        'é\u0301'.repeat(300),
        '\u0000plain',
        '🗄',
        '٣',
        '字',
      ],
    ]
    for (const search of hostile) {
      const list = await desk.view.assets.list({ deleted: 'with', search, limit: 10 })
      assert.equal(await desk.view.assets.count({ deleted: 'with', search }), list.length, search)
    }
    const count = (search: string) => desk.view.assets.count({ deleted: 'with', search })
    assert.equal(await count('AND'), 1, 'a word like any other')
    assert.equal(await count('NOT plain'), 0)
    assert.equal(await count('plain OR nowhere'), 0)
    assert.equal(await count('name:plain'), 0)
    assert.equal(await count('-plain'), 1, 'punctuation is not a word')
  })
  catalogTest(open, 'any search text is answered', async desk => {
    const seed = runSeed()
    const random = new SeededRandom(seed)
    const bucket = await desk.bucket({ name: 'any' })
    await desk.asset({ bucketId: bucket.id, key: 'alpha beta' })
    const parts = [
      'alpha',
      'b',
      '"',
      '*',
      ' ',
      '(',
      ')',
      ':',
      '-',
      '^',
      'NEAR',
      'OR',
      '\0',
      'é',
      "'",
    ]
    for (let i = 0; i < 500; i += 1) {
      const search = Array.from({ length: random.below(8) }, () => random.pick(parts)).join('')
      await assert.doesNotReject(
        async () => desk.view.assets.count({ deleted: 'without', search }),
        `seed ${seed}: ${JSON.stringify(search)}`,
      )
    }
  })
}
