import assert from 'node:assert/strict'
import { diskTest, getText, opened, putFile, readAll, text } from './disk-test.ts'
import type { OpenDisk } from './under-test.ts'

export function fileTests(open: OpenDisk): void {
  diskTest(open, 'a created file is empty and can be read back by its writer', (disk, root) => {
    using file = opened(disk, `${root}/a`, 'create')
    assert.equal(file.size(), 0)
    file.write(text('hello'), 0)
    assert.deepEqual(readAll(file), new Uint8Array(text('hello')))
    assert.equal(disk.stat(`${root}/a`)?.size, 5)
  })
  diskTest(open, 'edit overwrites in place and keeps the rest', (disk, root) => {
    putFile(disk, `${root}/a`, 'hello world')
    {
      using file = opened(disk, `${root}/a`, 'edit')
      file.write(text('W'), 6)
      file.write(text('!'), 11)
    }
    assert.equal(getText(disk, `${root}/a`), 'hello World!')
  })
  diskTest(open, 'a write beyond the end leaves zeros between', (disk, root) => {
    using file = opened(disk, `${root}/a`, 'create')
    file.write(text('a'), 0)
    file.write(text('b'), 1500)
    const bytes = readAll(file)
    assert.equal(bytes.length, 1501)
    assert.ok(bytes.subarray(1, 1500).every(byte => byte === 0))
    assert.equal(bytes[1500], 'b'.charCodeAt(0))
  })
  diskTest(open, 'read gives fewer bytes only at the end', (disk, root) => {
    putFile(disk, `${root}/a`, new Uint8Array(3000).fill(7))
    using file = opened(disk, `${root}/a`, 'read')
    const into = new Uint8Array(1000)
    assert.equal(file.read(into, 1999), 1000)
    assert.equal(file.read(into, 2500), 500)
    assert.equal(file.read(into, 3000), 0)
    assert.equal(file.read(into, 9000), 0)
    assert.equal(file.read(new Uint8Array(0), 0), 0)
  })
  diskTest(open, 'truncate cuts, and growing again shows zeros', (disk, root) => {
    using file = opened(disk, `${root}/a`, 'create')
    file.write(new Uint8Array(2000).fill(9), 0)
    file.truncate(700)
    assert.equal(file.size(), 700)
    file.truncate(1500)
    assert.equal(file.size(), 1500)
    const bytes = readAll(file)
    assert.ok(bytes.subarray(0, 700).every(byte => byte === 9))
    assert.ok(bytes.subarray(700).every(byte => byte === 0))
    file.truncate(0)
    assert.equal(file.size(), 0)
  })
  diskTest(open, 'two handles of one file see each other', (disk, root) => {
    using writer = opened(disk, `${root}/a`, 'create')
    using reader = opened(disk, `${root}/a`, 'read')
    writer.write(text('seen'), 0)
    assert.deepEqual(readAll(reader), new Uint8Array(text('seen')))
  })
  diskTest(open, 'a handle outlives the removal and the renaming of its name', (disk, root) => {
    putFile(disk, `${root}/a`, 'kept')
    putFile(disk, `${root}/b`, 'moved')
    using a = opened(disk, `${root}/a`, 'read')
    using b = opened(disk, `${root}/b`, 'edit')
    disk.remove(`${root}/a`)
    disk.rename(`${root}/b`, `${root}/c`)
    assert.deepEqual(readAll(a), new Uint8Array(text('kept')))
    b.write(text('MOVED'), 0)
    assert.equal(getText(disk, `${root}/c`), 'MOVED')
  })
}
