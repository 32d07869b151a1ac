import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DiskError, PowerCut } from './crash/disk-faults.ts'
import { mutantDisk } from './crash/mutant-disks.ts'
import { CrashDisk, type CrashDiskOptions } from './crash-disk.ts'
import { getFile, getText, names, opened, putFile, text } from './disk/disk-test.ts'
import { diskSuite } from './disk-suite.ts'
import { runSeed, SeededRandom } from './seeded-random.ts'

for (const options of [
  {},
  { flavour: 'linux', order: 'journal', garbage: true },
] satisfies CrashDiskOptions[]) {
  diskSuite(`crash disk ${JSON.stringify(options)}`, async () => {
    const disk = newDisk(options)
    return { disk, root: '/d', close: async () => {} }
  })
}

diskSuite('crash disk after a cut', async () => {
  const disk = newDisk()
  return { disk: disk.crashed(new SeededRandom(3)), root: '/d', close: async () => {} }
})

diskSuite('crash disk behind a wrapper', async () => {
  return { disk: mutantDisk(newDisk(), 'no-sync'), root: '/d', close: async () => {} }
})

/** A disk whose `/d` is there for good. */
function newDisk(options: CrashDiskOptions = {}): CrashDisk {
  const disk = new CrashDisk(options)
  disk.makeDir('/d')
  disk.settle()
  disk.ops = 0
  return disk
}

/** What may be found after a cut, over many seeds. */
function outcomes(disk: CrashDisk, look: (left: CrashDisk) => string): Set<string> {
  const random = new SeededRandom(runSeed())
  return new Set(Array.from({ length: 400 }, () => look(disk.crashed(random))))
}

function contentOf(path: string): (disk: CrashDisk) => string {
  return disk => (disk.stat(path) === undefined ? 'absent' : getText(disk, path))
}

describe('crash disk: what a cut leaves', () => {
  test('a synced file under a synced name is always whole', () => {
    for (const flavour of ['strict', 'linux'] as const) {
      const disk = newDisk({ flavour, garbage: true })
      using file = opened(disk, '/d/a', 'create')
      file.write(text('whole'), 0)
      file.sync()
      disk.syncDir('/d')
      assert.deepEqual(outcomes(disk, contentOf('/d/a')), new Set(['whole']))
    }
  })
  test('an unsynced file may be absent, empty, of zeros or whole', () => {
    const disk = newDisk()
    putFile(disk, '/d/a', 'data')
    const expected = new Set(['absent', '', '\0\0\0\0', 'data'])
    assert.deepEqual(outcomes(disk, contentOf('/d/a')), expected)
  })
  test('foreign bytes may stand where nothing was synced, when asked for', () => {
    const disk = newDisk({ garbage: true })
    putFile(disk, '/d/a', 'data')
    disk.syncDir('/d')
    const seen = outcomes(disk, contentOf('/d/a'))
    assert.ok(seen.size > 5, `only ${[...seen]}`)
  })
  test('only syncDir keeps a name, except that linux keeps that of a new synced file', () => {
    for (const [flavour, expected] of [
      ['strict', new Set(['absent', 'data'])],
      ['linux', new Set(['data'])],
    ] as const) {
      for (const order of ['subset', 'prefix', 'journal'] as const) {
        const disk = newDisk({ flavour, order })
        disk.makeDir('/d/e')
        using file = opened(disk, '/d/e/a', 'create')
        file.write(text('data'), 0)
        file.sync()
        assert.deepEqual(outcomes(disk, contentOf('/d/e/a')), expected, `${flavour} ${order}`)
      }
    }
  })
  test('sectors are lost one by one', () => {
    const disk = newDisk()
    using file = opened(disk, '/d/a', 'create')
    file.write(new Uint8Array(1024).fill(1), 0)
    file.sync()
    disk.syncDir('/d')
    file.write(new Uint8Array(1024).fill(2), 0)
    const seen = outcomes(disk, left => {
      const bytes = getFile(left, '/d/a')
      for (const at of [0, 512]) assert.ok(bytes.subarray(at, at + 512).every(b => b === bytes[at]))
      return `${bytes.length} ${bytes[0]}${bytes[512]}`
    })
    assert.deepEqual(seen, new Set(['1024 11', '1024 12', '1024 21', '1024 22']))
  })
  test('any content since the last sync may be left in a sector', () => {
    const disk = newDisk()
    using file = opened(disk, '/d/a', 'create')
    file.write(text('1'), 0)
    file.sync()
    disk.syncDir('/d')
    file.write(text('2'), 0)
    file.write(text('3'), 0)
    assert.deepEqual(outcomes(disk, contentOf('/d/a')), new Set(['1', '2', '3']))
  })
  test('at some moment, everything older is there and nothing newer', () => {
    const disk = newDisk()
    putFile(disk, '/d/a', '1')
    disk.rename('/d/a', '/d/b')
    using file = opened(disk, '/d/b', 'edit')
    file.write(text('22'), 0)
    file.truncate(1)
    const random = new SeededRandom(runSeed())
    const look = (left: CrashDisk) => names(left, '/d').map(n => n + getText(left, `/d/${n}`))
    const seen = Array.from({ length: 100 }, () => look(disk.crashed(random, 'moment')).join())
    assert.deepEqual(new Set(seen), new Set(['', 'a', 'a1', 'b1', 'b22', 'b2']))
  })
  test('an unsynced truncation is done or not, never half', () => {
    const disk = newDisk()
    using file = opened(disk, '/d/a', 'create')
    file.write(new Uint8Array(2000).fill(1), 0)
    file.sync()
    disk.syncDir('/d')
    file.truncate(700)
    const seen = outcomes(disk, left => {
      const bytes = getFile(left, '/d/a')
      assert.ok(bytes.every(byte => byte === 1))
      return String(bytes.length)
    })
    assert.deepEqual(seen, new Set(['700', '2000']))
  })
})

describe('crash disk: directories after a cut', () => {
  const threeNames = (order: 'subset' | 'prefix' | 'journal') => {
    const disk = newDisk({ order })
    for (const name of ['a', 'b', 'c']) putFile(disk, `/d/${name}`, '')
    return outcomes(disk, left => names(left, '/d').join(''))
  }
  test('in subset order any name may be missing', () => {
    assert.deepEqual(threeNames('subset'), new Set(['', 'a', 'b', 'c', 'ab', 'ac', 'bc', 'abc']))
  })
  test('in prefix and journal order the later ones go first', () => {
    for (const order of ['prefix', 'journal'] as const) {
      assert.deepEqual(threeNames(order), new Set(['', 'a', 'ab', 'abc']))
    }
  })
  test('a rename across directories is atomic only in journal order', () => {
    const seen = (order: 'subset' | 'journal') => {
      const disk = newDisk({ order })
      disk.makeDir('/d/e')
      putFile(disk, '/d/a', 'x')
      disk.settle()
      disk.rename('/d/a', '/d/e/b')
      return outcomes(disk, left => names(left, '/d').concat(names(left, '/d/e')).join(''))
    }
    assert.deepEqual(seen('journal'), new Set(['ae', 'eb']))
    assert.deepEqual(seen('subset'), new Set(['ae', 'eb', 'aeb', 'e']))
  })
  test('a lost directory takes everything in it along', () => {
    const disk = newDisk()
    disk.makeDir('/d/e')
    putFile(disk, '/d/e/a', '')
    disk.syncDir('/d/e')
    assert.deepEqual(
      outcomes(disk, left => names(left, '/d').join('')),
      new Set(['', 'e']),
    )
    assert.deepEqual(outcomes(disk, contentOf('/d/e/a')), new Set(['absent', '']))
  })
  test('two names of one file stay one file', () => {
    const disk = newDisk()
    putFile(disk, '/d/a', '1')
    disk.link('/d/a', '/d/b')
    disk.settle()
    const left = disk.crashed(new SeededRandom(1))
    using file = opened(left, '/d/a', 'edit')
    file.write(text('2'), 0)
    assert.equal(getText(left, '/d/b'), '2')
  })
})

describe('crash disk: cuts and faults', () => {
  const story = (disk: CrashDisk) => {
    using file = opened(disk, '/d/a', 'create')
    file.write(text('x'), 0)
    file.sync()
    disk.syncDir('/d')
  }
  test('the cut comes at its call, and nothing answers afterwards', () => {
    for (const cut of ['before', 'after'] as const) {
      for (let cutAt = 1; cutAt <= 4; cutAt += 1) {
        const disk = new CrashDisk({ cutAt: cutAt + 1, cut })
        disk.makeDir('/d')
        disk.settle()
        assert.throws(() => story(disk), PowerCut)
        assert.equal(disk.ops, cutAt + 1)
        assert.throws(() => disk.list('/d'), PowerCut)
        const all = disk.crashed(new SeededRandom(1), 'keep')
        const applied = cut === 'after' ? cutAt : cutAt - 1
        const expected = ['absent', '', 'x', 'x', 'x'][applied]
        assert.equal(contentOf('/d/a')(all), expected, `${cut} ${cutAt}`)
      }
    }
  })
  test('after a failed sync a later one succeeds without the lost bytes', () => {
    const disk = newDisk()
    using file = opened(disk, '/d/a', 'create')
    file.write(text('data'), 0)
    disk.syncDir('/d')
    const fault = disk.failAt(1, 'EIO', { of: ['sync'] })
    assert.throws(() => file.sync(), { code: 'EIO' })
    file.sync()
    assert.equal(fault.fired, 1)
    assert.equal(getText(disk, '/d/a'), 'data')
    assert.deepEqual(outcomes(disk, contentOf('/d/a')), new Set(['\0\0\0\0', 'data']))
  })
  test('after a failed syncDir a later one does not bring the names back', () => {
    const disk = newDisk()
    putFile(disk, '/d/a', '')
    disk.failAt(1, 'EIO', { of: ['syncDir'] })
    assert.throws(() => disk.syncDir('/d'), { code: 'EIO' })
    putFile(disk, '/d/b', '')
    disk.syncDir('/d')
    assert.deepEqual(
      outcomes(disk, left => names(left, '/d').join('')),
      new Set(['b', 'ab']),
    )
  })
  test('faults come once or for good, and say that they fired', () => {
    const disk = newDisk()
    const once = disk.failAt(2, 'EIO')
    disk.makeDir('/d/1')
    assert.throws(() => disk.makeDir('/d/2'), DiskError)
    disk.makeDir('/d/2')
    const always = disk.failAt(1, 'ENOSPC', { persistent: true, of: ['makeDir', 'create'] })
    assert.throws(() => disk.makeDir('/d/3'), { code: 'ENOSPC' })
    assert.throws(() => disk.open('/d/3', 'create'), { code: 'ENOSPC' })
    disk.syncDir('/d')
    assert.equal(once.fired, 1)
    assert.equal(always.fired, 2)
    disk.healFaults()
    disk.makeDir('/d/3')
  })
  test('a full disk takes what fits and then says ENOSPC', () => {
    const disk = newDisk({ capacityBytes: 100 })
    using file = opened(disk, '/d/a', 'create')
    file.write(new Uint8Array(80), 0)
    assert.equal(disk.space('/d').freeBytes, 20)
    assert.throws(() => file.write(new Uint8Array(30).fill(1), 80), { code: 'ENOSPC' })
    assert.equal(file.size(), 100)
    disk.remove('/d/a')
    assert.equal(disk.space('/d').freeBytes, 0)
    file.truncate(10)
    assert.equal(disk.space('/d').freeBytes, 90)
  })
  test('the same seed leaves the same disk', () => {
    const disk = newDisk({ garbage: true })
    for (let i = 0; i < 20; i += 1) putFile(disk, `/d/${i}`, new Uint8Array(3000).fill(i))
    const left = () => disk.crashed(new SeededRandom(42)).files()
    assert.deepEqual(left(), left())
    assert.notDeepEqual(left(), disk.crashed(new SeededRandom(43)).files())
  })
})
