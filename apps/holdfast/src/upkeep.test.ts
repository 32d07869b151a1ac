import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { type Client, openClient } from '@holdfast/client'
import {
  adminKey,
  digestsOf,
  run,
  scratch,
  startServer,
  succeeded,
} from './running-program.test.ts'

const bucket = 'holdfast'
const owner = '0199a7e2-7a55-7c54-b6f4-0d5f7c1d1f3a'

/** A store in which everything has happened once. */
async function live({ assets, versions, links, buckets, quotas, keys }: Client): Promise<void> {
  for (let i = 0; i < 30; i += 1) {
    const key = `many/${i} ключ\n`
    await assets.put({ bucket, key }, randomBytes(i * 1000), {
      fields: { tags: [`t${i % 3}`], service: 'gallery', owner_id: owner },
      metadata: { page: i, größe: '🦭' },
    })
  }
  const { asset: big } = await assets.put({ bucket, key: 'big' }, randomBytes(700_000))
  await assets.putContent(big.id, randomBytes(800_000), { fields: { description: 'second' } })
  await versions.tag({ id: big.id, version: 1 }, { name: 'first', description: 'x' })
  await versions.rollback({ id: big.id, version: 1 })
  const { asset: small } = await assets.put({ bucket, key: 'small' }, 'small')
  await links.add(big.id, { type: 'of', asset_id: small.id })
  await links.add(small.id, { type: 'of', asset_id: big.id })
  await assets.copy(small.id, { key: 'copy' })
  const { asset: gone } = await assets.put({ bucket, key: 'deleted' }, 'deleted')
  await assets.remove(gone.id)
  const { asset: lost } = await assets.put({ bucket, key: 'lost' }, 'lost for good')
  await assets.remove(lost.id, { hard: true })
  await buckets.create({ name: 'plain', versioning: 'disabled', public_read: true })
  const { asset: free } = await assets.put({ bucket: 'plain', key: 'trash' }, 'trash')
  await assets.remove(free.id)
  await assets.move(small.id, { bucket: 'plain', key: 'moved', name: 'moved.txt' })
  await assets.update(big.id, { acl: { read: [owner], write: [] } })
  await quotas.set({ scope: 'bucket', name: 'plain' }, { bytes_max: 10_000_000 })
  const key = await keys.create({ name: 'reader', permissions: ['assets:read'] })
  await keys.revoke(key.id)
}

/** Everything that the interface tells of the store. */
async function dump({ assets, versions, links, buckets, quotas, keys }: Client) {
  const all = await Array.fromAsync(assets.listAll({ include_deleted: true, limit: 1000 }))
  const details = []
  for (const { id, is_deleted: isDeleted } of all) {
    if (isDeleted) continue
    details.push({
      versions: await Array.fromAsync(versions.listAll(id, { include_deleted: true })),
      history: await Array.fromAsync(versions.historyAll(id)),
      links: await Array.fromAsync(links.listAll(id)),
      bytes: Buffer.from(await (await assets.get(id)).bytes()).toString('base64'),
    })
  }
  return {
    all,
    details,
    found: await Array.fromAsync(assets.listAll({ search: 'ключ t1' })),
    byKey: await Array.fromAsync(assets.listAllKeys(bucket)),
    stats: await assets.stats(),
    buckets: await Array.fromAsync(buckets.listAll()),
    quotas: await quotas.list(),
    // When they were used is known to the running server alone.
    keys: (await keys.list()).items.map(key => ({ ...key, last_used_at: null })),
  }
}

test('rebuild makes the catalog again from the data directory alone', async t => {
  const dir = join(scratch(t), 'data')
  const first = await startServer(t, dir)
  await live(openClient({ url: first.url, key: adminKey }))
  const before = await dump(openClient({ url: first.url, key: adminKey }))
  assert.equal(before.found.length, 10)
  await first.stop('SIGKILL')
  for (const name of readdirSync(dir)) {
    if (name.startsWith('catalog.db')) rmSync(join(dir, name))
  }
  const rebuilt = await run(['rebuild', '--data-dir', dir, '--json'])
  const { before: aside, ...counts } = JSON.parse(succeeded(rebuilt).stdout)
  assert.equal(aside, null)
  assert.equal(counts.assets, before.all.length)
  assert.equal(counts.buckets, 2)
  assert.equal(counts.keys, 2)
  const second = await startServer(t, dir)
  const client = openClient({ url: second.url, key: adminKey })
  assert.deepEqual(await dump(client), before)
  assert.equal(
    (await client.assets.restore(before.all.find(({ key }) => key === 'deleted')!.id)).key,
    'deleted',
  )
  await client.assets.put({ bucket, key: 'after' }, 'after')
  await second.stop()
})

test('rebuild sets even a broken catalog aside, and sweeps what rebuilds left', async t => {
  const dir = join(scratch(t), 'data')
  const first = await startServer(t, dir)
  const client = openClient({ url: first.url, key: adminKey })
  for (let i = 0; i < 5; i += 1) await client.assets.put({ bucket, key: `k${i}` }, `${i}`)
  await first.stop()
  writeFileSync(join(dir, 'catalog.db'), 'this is no database')
  writeFileSync(join(dir, 'catalog.db.new-1'), 'left by a rebuild that was killed')
  const { stdout } = succeeded(await run(['rebuild', '--data-dir', dir]))
  assert.match(stdout, /^Rebuilt in .+: 1 bucket, 5 assets, 5 blobs \(5 B\), 1 API key, /)
  const names = readdirSync(dir).filter(name => name.startsWith('catalog.db.'))
  assert.equal(names.length, 1)
  assert.match(names[0] ?? '', /^catalog\.db\.before-\d{8}T\d{6}Z$/)
  assert.equal(readFileSync(join(dir, names[0]!), 'utf8'), 'this is no database')
  const second = await startServer(t, dir)
  assert.equal(succeeded(await second.holdfast('ls', '-r')).stdout, 'k0\nk1\nk2\nk3\nk4\n')
})

test('a rebuild that cannot be done leaves everything as it was', async t => {
  const dir = join(scratch(t), 'data')
  const first = await startServer(t, dir)
  await openClient({ url: first.url, key: adminKey }).assets.put({ bucket, key: 'k' }, 'k')
  await first.stop()
  const pack = join(dir, 'packs', readdirSync(join(dir, 'packs'))[0]!)
  renameSync(pack, `${pack}.gone`)
  writeFileSync(pack, Buffer.alloc(1024, 'not a pack '))
  const before = digestsOf(dir)
  const { code, stderr } = await run(['rebuild', '--data-dir', dir])
  assert.equal(code, 1)
  assert.match(stderr, /is damaged and was not opened: pack 1 .+ \(STORE_DAMAGED\); .+\n$/)
  assert.deepEqual(pick(digestsOf(dir), /^catalog/), pick(before, /^catalog/))
  renameSync(`${pack}.gone`, pack)
  const second = await startServer(t, dir)
  assert.equal(succeeded(await second.holdfast('ls')).stdout, 'k\n')
})

test('a catalog that is an older copy is refused with the way out, never guessed at', async t => {
  const dir = join(scratch(t), 'data')
  const first = await startServer(t, dir)
  const client = openClient({ url: first.url, key: adminKey })
  await client.assets.put({ bucket, key: 'k' }, 'k')
  await first.stop()
  // As if the pack where the copy stands had been rewritten into the next one since.
  const packs = join(dir, 'packs')
  renameSync(join(packs, '0000000001.tar'), join(packs, '0000000002.tar'))
  const serve = await run(['serve', '--port', '0', '--data-dir', dir])
  assert.match(serve.stderr, /is damaged and was not opened: pack 1 is missing \(STORE_DAMAGED\)/)
  const refused = await run(['rebuild', '--data-dir', dir])
  assert.equal(refused.code, 1)
  assert.match(
    refused.stderr,
    /pack 1 is missing .+; if only the catalog is old, --force makes it again/,
  )
  succeeded(await run(['rebuild', '--force', '--data-dir', dir]))
  const second = await startServer(t, dir)
  assert.equal(succeeded(await second.holdfast('ls')).stdout, 'k\n')
  const [{ detail } = assert.fail()] = await lossesTold(second.url)
  assert.deepEqual([detail.lost, detail.count, detail.changes_before], [[], 0, null])
  await second.stop()
  // With nothing to lose, nothing is told.
  succeeded(await run(['rebuild', '--force', '--data-dir', dir]))
  const third = await startServer(t, dir)
  assert.equal((await lossesTold(third.url)).length, 1)
})

test('a rebuild that loses changes says that rights may be back', async t => {
  const dir = join(scratch(t), 'data')
  const first = await startServer(t, dir)
  const client = openClient({ url: first.url, key: adminKey })
  const { id, key } = await client.keys.create({ name: 'left', permissions: ['assets:read'] })
  await client.keys.revoke(id)
  await client.assets.put({ bucket, key: 'k' }, 'behind it')
  await first.stop()
  const sound = succeeded(await run(['rebuild', '--data-dir', dir]))
  assert.equal(sound.stderr, '')
  const pack = join(dir, 'packs/0000000001.tar')
  flip(pack, readFileSync(pack).lastIndexOf('"key.revoked"'))
  for (const name of readdirSync(dir)) if (name.startsWith('catalog')) rmSync(join(dir, name))
  const rebuilt = succeeded(await run(['rebuild', '--salvage', '--data-dir', dir]))
  assert.match(rebuilt.stdout, /^lost: \d+ bytes of pack 1 /m)
  assert.match(rebuilt.stderr, /may have taken rights away: look through users, keys/)
  const second = await startServer(t, dir)
  const left = openClient({ url: second.url, key })
  assert.equal((await left.assets.stats()).total_assets, 1)
  await second.stop()
  const third = await startServer(t, dir)
  const told = await lossesTold(third.url)
  assert.deepEqual(
    told.map(({ severity, detail }) => [severity, detail.count, detail.changes_before]),
    [['critical', 1, null]],
  )
  assert.match(told[0]?.detail.lost[0] ?? '', /^\d+ bytes of pack 1 /)
})

interface Told {
  readonly severity: string
  readonly detail: {
    readonly lost: readonly string[]
    readonly count: number
    readonly changes: number
    readonly changes_before: number | null
  }
}

async function lossesTold(url: string): Promise<readonly Told[]> {
  const headers = { 'x-api-key': adminKey }
  const answer = await fetch(`${url}/api/v2/audit?action=store.changes.lost`, { headers })
  const { items }: { readonly items: readonly Told[] } = await answer.json()
  return items
}

test('a catalog of a newer version is refused by name and can be made again', async t => {
  const dir = join(scratch(t), 'data')
  const first = await startServer(t, dir)
  await openClient({ url: first.url, key: adminKey }).assets.put({ bucket, key: 'k' }, 'k')
  await first.stop()
  const header = readFileSync(join(dir, 'catalog.db'))
  // The user_version of SQLite, a big-endian number at byte 60 of the file.
  header.writeUInt32BE(99, 60)
  writeFileSync(join(dir, 'catalog.db'), header)
  const { code, stderr } = await run(['serve', '--port', '0', '--data-dir', dir])
  assert.equal(code, 1)
  assert.match(
    stderr,
    /has schema 99, and this version knows schemas up to \d+; .+"holdfast rebuild"/,
  )
  succeeded(await run(['rebuild', '--data-dir', dir]))
  const second = await startServer(t, dir)
  assert.equal(succeeded(await second.holdfast('ls')).stdout, 'k\n')
})

function pick(digests: Record<string, string>, pattern: RegExp): Record<string, string> {
  return Object.fromEntries(Object.entries(digests).filter(([path]) => pattern.test(path)))
}

test('verify finds flipped bytes, missing blobs and loose ones', async t => {
  const dir = join(scratch(t), 'data')
  const server = await startServer(t, dir)
  const { assets } = openClient({ url: server.url, key: adminKey })
  const { asset: small } = await assets.put({ bucket, key: 'small' }, 'a small but precious text')
  const { asset: large } = await assets.put({ bucket, key: 'large' }, randomBytes(600_000))
  const { asset: gone } = await assets.put({ bucket, key: 'gone' }, randomBytes(500_000))
  await assets.put({ bucket, key: 'sound' }, 'sound')
  await server.stop()
  const verify = async () => {
    const ended = await run(['verify', '--data-dir', dir, '--json'])
    return { code: ended.code, report: JSON.parse(ended.stdout) }
  }
  const sound = await verify()
  assert.equal(sound.code, 0)
  assert.deepEqual([sound.report.ok, sound.report.blobs], [true, 4])
  const pack = join(dir, 'packs', readdirSync(join(dir, 'packs'))[0]!)
  flip(pack, readFileSync(pack).indexOf('a small but precious'))
  flip(blobPath(dir, large.checksum), 555_555)
  rmSync(blobPath(dir, gone.checksum))
  const loose = 'ab'.repeat(32)
  mkdirSync(join(blobPath(dir, loose), '..'), { recursive: true })
  writeFileSync(blobPath(dir, loose), 'loose')
  const { code, report } = await verify()
  assert.equal(code, 1)
  const names = (findings: { sha256: string }[]) => findings.map(({ sha256 }) => sha256).sort()
  assert.deepEqual(names(report.damaged), [small.checksum, large.checksum].sort())
  assert.deepEqual(names(report.missing), [gone.checksum])
  assert.deepEqual(names(report.orphaned), [loose])
  assert.deepEqual(report.affected.sort(), ['holdfast/gone', 'holdfast/large', 'holdfast/small'])
  const human = await run(['verify', '--data-dir', dir])
  assert.match(human.stdout, /^damaged: [0-9a-f]{64} at /m)
  assert.match(human.stdout, /^affected: holdfast\/large$/m)
  assert.match(human.stdout, /: NOT SOUND; 1 missing, 2 damaged, 0 healed, 1 orphaned\.\n$/)
  const again = await startServer(t, dir)
  const got = await again.holdfast('get', 'large', join(dir, '../large'))
  assert.equal(got.code, 1)
  assert.equal(existsSync(join(dir, '../large')), false)
})

function blobPath(dir: string, sha256: string): string {
  return join(dir, 'blobs', sha256.slice(0, 2), sha256)
}

function flip(path: string, at: number): void {
  assert.ok(at >= 0 && at < statSync(path).size)
  const bytes = readFileSync(path)
  bytes[at]! ^= 1
  writeFileSync(path, bytes)
}

test('verify and rebuild do not make a store where none is', async t => {
  const dir = scratch(t)
  for (const command of ['verify', 'rebuild']) {
    const empty = await run([command, '--data-dir', dir])
    assert.equal(empty.code, 1)
    assert.match(empty.stderr, /is not a data directory of Holdfast/)
    const none = await run([command, '--data-dir', join(dir, 'none')])
    assert.match(none.stderr, /does not exist/)
  }
  assert.deepEqual(readdirSync(dir), [])
})
