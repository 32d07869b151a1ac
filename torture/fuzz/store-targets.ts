import { randomBytes } from 'node:crypto'
import { keyProblem } from '@holdfast/core/names.ts'
import type { DiskFile } from '@holdfast/core/ports/disk.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { openDatabase } from '@holdfast/drivers/catalog/sqlite/database.ts'
import { SearchTerms } from '@holdfast/drivers/catalog/sqlite/rooms/search/search-terms.ts'
import { matchExpression } from '@holdfast/drivers/catalog/sqlite/rooms/search/search-text.ts'
import { decodeChanges, encodeBatch } from '@holdfast/drivers/element/disk/batch.ts'
import { scanPastDamage } from '@holdfast/drivers/element/disk/check-packs.ts'
import { formatLocation, MARKER, parseLocation } from '@holdfast/drivers/element/disk/layout.ts'
import { RECORD, readHeader, writeHeader } from '@holdfast/drivers/element/disk/tar-entry.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { openMarker } from '@holdfast/drivers/store/marker.ts'
import { sealLink, unsealLink } from '@holdfast/engine/access/links/link-token.ts'
import { requireFields } from '@holdfast/engine/assets/asset-fields.ts'
import { decodeCursor } from '@holdfast/engine/assets/list-cursor.ts'
import { bytes, integer, seconds } from '@holdfast/server/config/setting-kinds.ts'
import { parseJson } from '@holdfast/server/http/body/read-json.ts'
import { CrashDisk } from '@holdfast/testkit/crash-disk.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { makeBody } from '@holdfast/testkit/self-describing-bodies.ts'
import { type FuzzTarget, Mismatch, requireSame, texts } from './fuzz-target.ts'

const text = (input: Uint8Array) => Buffer.from(input).toString('utf8')
const secret = Buffer.alloc(32, 7)
const how = { mtimeS: 1_700_000_000, secret }
const body = { sha256: 'ab'.repeat(32), bytes: makeBody(1, 700) }
const lines = [JSON.stringify({ seq: 1, at: '2026-01-01T00:00:00.000Z', changes: [], puts: {} })]
const batches = [1, 2, 3].map(number => encodeBatch(number, { bodies: [body], lines }, how))
const pack = Buffer.concat(batches)
/** Behind header and body of the first batch: header and content of its change lines. */
const changesAt = 512 + 1024
const changesSize = readSize(changesAt)
const changes = pack.subarray(changesAt + 512, changesAt + 512 + changesSize)

const first = decodeChanges(Buffer.from(changes), secret)
const proven = [first?.head.batch, first?.head.bytes, first?.head.crc32, first?.lines]

const iss = { kind: 'api_key', id: 'k' } as const
const link = { method: 'GET', assetId: 'a', version: null, iss, exp: 2_000_000_000 } as const
const token = sealLink(link, secret)
const marker = JSON.stringify({
  format: 1,
  element: '0199d0c0-0000-4000-8000-000000000001',
  created: '2026-01-01T00:00:00.000Z',
  secret: secret.toString('hex'),
})

const database = openDatabase(':memory:')
const file = database.prepare('INSERT INTO search (rowid, name) VALUES (?, ?)')
for (const [at, name] of ['invoice 2026', 'invoices 20', 'exact phrase', 'pre prefix'].entries()) {
  file.run(at, name)
}
const { beginningWith } = new SearchTerms(database)
const find = database.prepare('SELECT count(*) FROM search WHERE search MATCH ?').pluck()

/** What lies on the disk, and what people write. */
export const storeTargets: readonly FuzzTarget[] = [
  {
    name: 'tar header',
    modules: ['disk/tar-entry.ts'],
    seeds: [pack.subarray(0, 512), pack.subarray(changesAt, changesAt + 512), Buffer.alloc(512)],
    run(input) {
      const header = Buffer.alloc(RECORD)
      header.set(input.subarray(0, RECORD))
      const entry = readHeader(header, 0)
      if (entry === undefined || entry === 'end') return
      const again = Buffer.alloc(RECORD)
      writeHeader(again, 0, entry, 0)
      requireSame(readHeader(again, 0), entry, 'header')
    },
  },
  {
    name: 'change lines',
    modules: ['disk/batch.ts'],
    seeds: [changes],
    run(input) {
      const decoded = decodeChanges(Buffer.from(input), secret)
      if (decoded?.proven !== true) return
      // The head may be spelt otherwise and hold more; what it proves may not differ.
      const { batch, bytes, crc32 } = decoded.head
      requireSame([batch, bytes, crc32, decoded.lines], proven, 'proven lines')
    },
  },
  {
    name: 'pack scan',
    modules: ['disk/pack-scan.ts', 'disk/check-packs.ts'],
    seeds: [pack, Buffer.concat([pack, Buffer.alloc(4096)]), ...batches],
    run(input) {
      for (const step of scanPastDamage(fileOf(input), 1, { start: 0, checkBytes: true, secret })) {
        if ('reason' in step) continue
        if (![1, 2, 3].includes(step.head.batch)) throw new Mismatch(`batch ${step.head.batch}`)
        requireSame(step.lines, lines, 'lines')
      }
    },
  },
  {
    name: 'marker',
    modules: ['store/marker.ts'],
    seeds: texts(marker),
    words: ['format', 'element', 'secret', '1', '2', 'null'],
    run(input) {
      const disk = new CrashDisk()
      disk.makeDir('/data')
      const file = disk.open(`/data/${MARKER}`, 'create')
      file.write(input, 0)
      file.close()
      const found = openMarker({ disk, clock: new FakeClock(), random: cryptoRandom }, '/data')
      if (!/^[0-9a-f]{64}$/.test(found.secret)) throw new Mismatch(`secret ${found.secret}`)
    },
  },
  {
    name: 'location',
    modules: ['disk/layout.ts'],
    seeds: texts('pack:1:512', `file:${'ab'.repeat(32)}`, 'pack:0000000001:0'),
    run(input) {
      const location = parseLocation(text(input))
      requireSame(parseLocation(formatLocation(location)), location, 'location')
    },
  },
  {
    name: 'cursor',
    modules: ['assets/list-cursor.ts'],
    seeds: ['s17', 'kphotos/a.jpg', 'kü😀'].map(one =>
      Buffer.from(Buffer.from(one).toString('base64url')),
    ),
    run(input) {
      for (const order of ['newest', 'key'] as const) {
        const found = attemptCursor(text(input), order)
        if (found === undefined) continue
        const sound =
          'afterKey' in found
            ? keyProblem(found.afterKey) === undefined
            : Number.isSafeInteger(found.beforeSeq)
        if (!sound) throw new Mismatch(JSON.stringify(found))
      }
    },
  },
  {
    name: 'link token',
    modules: ['access/link-token.ts'],
    seeds: texts(token, sealLink({ ...link, exp: 1 }, secret), sealLink(link, randomBytes(32))),
    run(input) {
      const given = text(input)
      const found = unsealLink(given, secret)
      if (found !== undefined && sealLink(found, secret) !== given) {
        throw new Mismatch('an altered token was taken')
      }
    },
  },
  {
    name: 'search text',
    modules: ['rooms/search/search-text.ts'],
    seeds: texts('invoice 2026', '"exact phrase" pre*', 'AND OR NOT NEAR(a b)', 'col:umn -x ^y'),
    words: ['AND', 'OR', 'NOT', 'NEAR', '*', '"', '^', '(', ')', '{', '}', '+', ':'],
    run(input) {
      const named = matchExpression(text(input), beginningWith)
      const plain = matchExpression(text(input), () => undefined)
      if (named === undefined || plain === undefined) return requireSame(named, plain, 'terms')
      requireSame(find.get(named), find.get(plain), 'found')
    },
  },
  {
    name: 'settings',
    modules: ['config/setting-kinds.ts'],
    seeds: texts('100MiB', '1GB', '512', '30s', '5m', '1.5h', '24 h', '-1', '1e9'),
    words: ['KiB', 'MiB', 'TiB', 'kB', 'ms', 's', 'm', 'h', 'd', '.', 'e'],
    run(input) {
      const max = 5 * 1024 ** 4
      for (const kind of [bytes(1, max), seconds(0, 86_400), integer(0, 65_535)]) {
        const parsed = kind.parse(text(input))
        if (!('value' in parsed)) continue
        if (!(parsed.value >= 0 && parsed.value <= max)) throw new Mismatch(`${parsed.value}`)
      }
    },
  },
  {
    name: 'metadata',
    modules: ['assets/asset-fields.ts', 'core/src/names.ts'],
    seeds: texts('{"a":1,"b":["x",null,{"c":true}]}', '{"ü":"😀"}', '{"deep":[[[[1]]]]}'),
    words: ['"__proto__":{"x":1}', '"constructor":', '\\u0000', '\\ud800'],
    run(input) {
      const value = parseJson(input)
      if (!isObject(value)) return
      requireFields({ metadata: value, name: text(input).slice(0, 100), tags: Object.keys(value) })
      requireSame(JSON.parse(JSON.stringify(value)), value, 'metadata')
    },
  },
]

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function attemptCursor(cursor: string, order: 'newest' | 'key') {
  try {
    return decodeCursor(cursor, order)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'INVALID_CURSOR')
      return undefined
    throw error
  }
}

function readSize(at: number): number {
  const entry = readHeader(pack, at)
  if (entry === undefined || entry === 'end') throw new Error('no header of change lines')
  return entry.size
}

function fileOf(content: Uint8Array): DiskFile {
  return {
    size: () => content.length,
    read(into, position) {
      const part = content.subarray(position, position + into.length)
      into.set(part)
      return part.length
    },
    write: () => {},
    sync: () => {},
    truncate: () => {},
    isAt: () => true,
    close: () => {},
  }
}
