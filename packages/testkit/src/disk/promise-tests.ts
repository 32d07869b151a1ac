import assert from 'node:assert/strict'
import { diskTest, getText, names, opened, putFile, text } from './disk-test.ts'
import type { OpenDisk } from './under-test.ts'

export function promiseTests(open: OpenDisk): void {
  diskTest(open, 'D1 synced files and directories keep what they held', (disk, root) => {
    disk.makeDir(`${root}/d`)
    {
      using file = opened(disk, `${root}/d/a`, 'create')
      file.write(text('synced'), 0)
      file.sync()
    }
    disk.syncDir(`${root}/d`)
    disk.syncDir(root)
    assert.equal(getText(disk, `${root}/d/a`), 'synced')
  })
  diskTest(open, 'D1 a file opened for reading can be synced', (disk, root) => {
    putFile(disk, `${root}/a`, 'x')
    using file = opened(disk, `${root}/a`, 'read')
    file.sync()
  })
  diskTest(open, 'D1 syncDir of a missing directory fails', (disk, root) => {
    assert.throws(() => disk.syncDir(`${root}/none`), { code: 'ENOENT' })
  })
  diskTest(open, 'D1 syncDirs fails if one of them does', async (disk, root) => {
    if (disk.syncDirs === undefined) return
    disk.makeDir(`${root}/d`)
    await disk.syncDirs([root, `${root}/d`])
    await assert.rejects(disk.syncDirs([root, `${root}/none`, `${root}/d`]), { code: 'ENOENT' })
  })
  diskTest(open, 'D2 create refuses an existing name and leaves it alone', async (disk, root) => {
    putFile(disk, `${root}/a`, 'first')
    assert.throws(() => disk.open(`${root}/a`, 'create'), { code: 'EEXIST' })
    await assert.rejects(disk.openAsync(`${root}/a`, 'create'), { code: 'EEXIST' })
    assert.equal(getText(disk, `${root}/a`), 'first')
  })
  diskTest(open, 'D2 link never replaces', (disk, root) => {
    putFile(disk, `${root}/a`, 'first')
    putFile(disk, `${root}/b`, 'second')
    assert.equal(disk.link(`${root}/b`, `${root}/a`), false)
    assert.equal(getText(disk, `${root}/a`), 'first')
    assert.equal(disk.link(`${root}/a`, `${root}/c`), true)
    assert.equal(disk.link(`${root}/a`, `${root}/c`), false)
  })
  diskTest(open, 'D3 write takes all bytes, at any position and of any size', (disk, root) => {
    const big = new Uint8Array(5 * 1024 * 1024 + 3)
    for (let i = 0; i < big.length; i += 997) big[i] = i % 251
    using file = opened(disk, `${root}/a`, 'create')
    file.write(big, 7)
    assert.equal(file.size(), big.length + 7)
    const back = new Uint8Array(big.length)
    assert.equal(file.read(back, 7), big.length)
    assert.equal(Buffer.compare(back, big), 0)
  })
  diskTest(open, 'D3 the bytes are those at the time of the call', (disk, root) => {
    const bytes = Buffer.from('before')
    using file = opened(disk, `${root}/a`, 'create')
    file.write(bytes, 0)
    bytes.fill(0)
    const back = new Uint8Array(6)
    file.read(back, 0)
    assert.equal(new TextDecoder().decode(back), 'before')
  })
  codeTests(open)
}

function codeTests(open: OpenDisk): void {
  diskTest(open, 'D4 what is missing is ENOENT', async (disk, root) => {
    const code = { code: 'ENOENT' }
    assert.throws(() => disk.open(`${root}/none`, 'read'), code)
    assert.throws(() => disk.open(`${root}/none`, 'edit'), code)
    assert.throws(() => disk.open(`${root}/none/a`, 'create'), code)
    assert.throws(() => disk.link(`${root}/none`, `${root}/b`), code)
    assert.throws(() => disk.rename(`${root}/none`, `${root}/b`), code)
    assert.throws(() => disk.list(`${root}/none`), code)
    assert.throws(() => disk.makeDir(`${root}/none/b`), code)
    await assert.rejects(disk.openAsync(`${root}/none`, 'read'), code)
    assert.deepEqual(names(disk, root), [])
  })
  diskTest(open, 'D4 a directory or file in the wrong place has its code', (disk, root) => {
    disk.makeDir(`${root}/d`)
    putFile(disk, `${root}/f`, '')
    assert.throws(() => disk.list(`${root}/f`), { code: 'ENOTDIR' })
    assert.throws(() => disk.open(`${root}/d`, 'edit'), { code: 'EISDIR' })
    assert.throws(() => disk.rename(`${root}/f`, `${root}/d`), { code: 'EISDIR' })
  })
  diskTest(open, 'D4 writing to a file opened for reading is EBADF', (disk, root) => {
    putFile(disk, `${root}/a`, 'x')
    using file = opened(disk, `${root}/a`, 'read')
    assert.throws(() => file.write(text('y'), 0), { code: 'EBADF' })
    assert.equal(getText(disk, `${root}/a`), 'x')
  })
}
