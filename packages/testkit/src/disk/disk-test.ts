import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Disk, DiskFile } from '@holdfast/core/ports/disk.ts'
import type { OpenDisk } from './under-test.ts'

/** A test on a fresh disk, which is given back whatever happens. */
export function diskTest(
  open: OpenDisk,
  name: string,
  body: (disk: Disk, root: string) => Promise<void> | void,
): void {
  test(name, async () => {
    const { disk, root, close } = await open()
    try {
      await body(disk, root)
    } finally {
      await close()
    }
  })
}

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

export function putFile(disk: Disk, path: string, content: Uint8Array | string): void {
  using file = opened(disk, path, 'create')
  file.write(typeof content === 'string' ? text(content) : content, 0)
}

export function getFile(disk: Disk, path: string): Uint8Array {
  using file = opened(disk, path, 'read')
  return readAll(file)
}

export function getText(disk: Disk, path: string): string {
  return new TextDecoder().decode(getFile(disk, path))
}

export function readAll(file: DiskFile): Uint8Array {
  const into = new Uint8Array(file.size())
  assert.equal(file.read(into, 0), into.length)
  return into
}

export function opened(
  disk: Disk,
  path: string,
  mode: 'create' | 'edit' | 'read',
): DiskFile & Disposable {
  const file = disk.open(path, mode)
  return {
    write: (bytes, position) => file.write(bytes, position),
    read: (into, position) => file.read(into, position),
    sync: () => file.sync(),
    truncate: size => file.truncate(size),
    size: () => file.size(),
    isAt: path => file.isAt(path),
    close: () => file.close(),
    [Symbol.dispose]: () => file.close(),
  }
}

export function names(disk: Disk, path: string): string[] {
  return disk
    .list(path)
    .map(({ name }) => name)
    .sort()
}
