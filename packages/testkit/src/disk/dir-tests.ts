import assert from 'node:assert/strict'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import { diskTest, getText, names, opened, putFile, text } from './disk-test.ts'
import type { OpenDisk } from './under-test.ts'

export function dirTests(open: OpenDisk): void {
  diskTest(open, 'makeDir says whether it made one', (disk, root) => {
    assert.equal(disk.makeDir(`${root}/d`), true)
    assert.equal(disk.makeDir(`${root}/d`), false)
    assert.equal(disk.makeDir(`${root}/d/e`), true)
    assert.deepEqual(disk.list(`${root}/d`), [{ name: 'e', kind: 'dir' }])
  })
  diskTest(open, 'list names every entry once with its kind', (disk, root) => {
    const expected = []
    for (let i = 0; i < 60; i += 1) {
      if (i % 3 === 0) disk.makeDir(`${root}/n${i}`)
      else putFile(disk, `${root}/n${i}`, 'x')
      expected.push({ name: `n${i}`, kind: i % 3 === 0 ? 'dir' : 'file' })
    }
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
    assert.deepEqual(disk.list(root).sort(byName), expected.sort(byName))
  })
  diskTest(open, 'names are kept as they are', (disk, root) => {
    const strange = ['ka\u0308se', 'a b', '..a', '-rf', 'emoji 🗄', 'quote\'"', 'new\nline', '%2e']
    for (const name of strange) putFile(disk, `${root}/${name}`, name)
    assert.deepEqual(names(disk, root), [...strange].sort())
    for (const name of strange) assert.equal(getText(disk, `${root}/${name}`), name)
  })
  diskTest(open, 'stat tells kind and size, or undefined', (disk, root) => {
    putFile(disk, `${root}/a`, '12345')
    disk.makeDir(`${root}/d`)
    assert.equal(disk.stat(`${root}/a`)?.kind, 'file')
    assert.equal(disk.stat(`${root}/a`)?.size, 5)
    assert.equal(typeof disk.stat(`${root}/a`)?.modifiedMs, 'number')
    assert.equal(disk.stat(`${root}/d`)?.kind, 'dir')
    assert.equal(disk.stat(`${root}/none`), undefined)
    assert.equal(disk.stat(`${root}/none/deeper`), undefined)
  })
  diskTest(open, 'remove says whether something was there', (disk, root) => {
    putFile(disk, `${root}/a`, 'x')
    assert.equal(disk.remove(`${root}/a`), true)
    assert.equal(disk.remove(`${root}/a`), false)
    assert.deepEqual(names(disk, root), [])
  })
  diskTest(open, 'link gives one file two names', (disk, root) => {
    disk.makeDir(`${root}/d`)
    putFile(disk, `${root}/a`, 'one')
    assert.equal(disk.link(`${root}/a`, `${root}/d/b`), true)
    {
      using file = opened(disk, `${root}/d/b`, 'edit')
      file.write(text('two'), 0)
    }
    assert.equal(getText(disk, `${root}/a`), 'two')
    disk.remove(`${root}/a`)
    assert.equal(getText(disk, `${root}/d/b`), 'two')
  })
  diskTest(open, 'D5 an open file knows whether a name leads to it', (disk, root) => {
    disk.makeDir(`${root}/d`)
    putFile(disk, `${root}/d/a`, 'same')
    using file = opened(disk, `${root}/d/a`, 'edit')
    assert.equal(file.isAt(`${root}/d/a`), true)
    disk.link(`${root}/d/a`, `${root}/d/b`)
    assert.equal(file.isAt(`${root}/d/b`), true)
    disk.rename(`${root}/d`, `${root}/e`)
    assert.equal(file.isAt(`${root}/d/a`), false)
    assert.equal(file.isAt(`${root}/e/a`), true)
    disk.makeDir(`${root}/d`)
    putFile(disk, `${root}/d/a`, 'same')
    assert.equal(file.isAt(`${root}/d/a`), false, 'a copy is another file')
    assert.equal(file.isAt(`${root}/d/a/deeper`), false)
    disk.remove(`${root}/e/a`)
    disk.remove(`${root}/e/b`)
    putFile(disk, `${root}/e/a`, 'same')
    assert.equal(file.isAt(`${root}/e/a`), false, 'its number is not given to another')
  })
  diskTest(open, 'rename replaces in one step, across directories too', (disk, root) => {
    disk.makeDir(`${root}/d`)
    putFile(disk, `${root}/a`, 'new')
    putFile(disk, `${root}/d/b`, 'old')
    disk.rename(`${root}/a`, `${root}/d/b`)
    assert.equal(getText(disk, `${root}/d/b`), 'new')
    assert.deepEqual(names(disk, root), ['d'])
    disk.rename(`${root}/d`, `${root}/e`)
    assert.equal(getText(disk, `${root}/e/b`), 'new')
  })
  diskTest(open, 'space tells free and total bytes', (disk, root) => {
    const { freeBytes, totalBytes } = disk.space(root)
    assert.ok(Number.isFinite(freeBytes) && freeBytes >= 0)
    assert.ok(totalBytes > 0 && freeBytes <= totalBytes)
  })
  diskTest(
    open,
    'the lock of a directory has one holder, and the next after its release',
    (disk, root) => {
      disk.makeDir(`${root}/a`)
      disk.makeDir(`${root}/b`)
      lockTwice(disk, `${root}/a`, `${root}/b`)
    },
  )
}

function lockTwice(disk: Disk, path: string, otherPath: string): void {
  const release = disk.lock(path)
  assert.ok(release, 'the first holder gets the lock')
  assert.equal(disk.lock(path), undefined)
  const other = disk.lock(otherPath)
  assert.ok(other, 'the lock of another directory is free')
  release()
  const again = disk.lock(path)
  assert.ok(again, 'released locks can be taken')
  again()
  other()
}
