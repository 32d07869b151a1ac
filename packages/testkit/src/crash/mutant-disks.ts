import type { Disk, DiskFile, DiskStream } from '@holdfast/core/ports/disk.ts'

/**
 * Disks that forget one duty. A crash suite that passes on one of them proves nothing, so each
 * suite shows that it fails here.
 */
export type DiskMutant =
  | 'no-sync'
  | 'no-async-sync'
  | 'no-sync-dir'
  | 'no-truncate'
  | 'deep-truncate'
  | 'late-writes'
  | 'short-writes'
  | 'replacing-link'
  | 'blind-names'

export function mutantDisk(disk: Disk, mutant: DiskMutant): Disk {
  return {
    makeDir: path => disk.makeDir(path),
    open: (path, mode) => mutantFile(disk.open(path, mode), mutant),
    link(from, to) {
      if (mutant === 'replacing-link') disk.remove(to)
      return disk.link(from, to)
    },
    rename: (from, to) => disk.rename(from, to),
    remove: path => disk.remove(path),
    list: path => disk.list(path),
    stat: path => disk.stat(path),
    syncDir(path) {
      if (mutant !== 'no-sync-dir') disk.syncDir(path)
    },
    space: path => disk.space(path),
    lock: path => disk.lock(path),
    openAsync: async (path, mode) => mutantStream(await disk.openAsync(path, mode), mutant),
  }
}

function mutantFile(file: DiskFile, mutant: DiskMutant): DiskFile {
  return {
    write(bytes, position) {
      if (mutant === 'late-writes') file.sync()
      const half = bytes.subarray(0, Math.floor(bytes.length / 2))
      file.write(mutant === 'short-writes' ? half : bytes, position)
    },
    read: (into, position) => file.read(into, position),
    sync() {
      // Syncs what came before the last write only: the order of sync and write swapped.
      if (mutant !== 'no-sync' && mutant !== 'late-writes') file.sync()
    },
    truncate(size) {
      const wanted = mutant === 'deep-truncate' ? Math.max(0, size - 512) : size
      if (mutant !== 'no-truncate') file.truncate(wanted)
    },
    size: () => file.size(),
    isAt: path => mutant === 'blind-names' || file.isAt(path),
    close: () => file.close(),
  }
}

function mutantStream(stream: DiskStream, mutant: DiskMutant): DiskStream {
  return {
    write: (bytes, position) => stream.write(bytes, position),
    read: (into, position) => stream.read(into, position),
    async sync() {
      if (mutant !== 'no-async-sync') await stream.sync()
    },
    size: () => stream.size(),
    close: () => stream.close(),
  }
}
