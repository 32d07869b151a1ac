/**
 * The only way to a local file system.
 *
 * D1 `sync` and `syncDir` return only when the kernel says the device has the data; any error they
 *    throw means the file (or directory) must be treated as lost, never synced again as if clean.
 * D2 `create` fails if the name exists; `link` never replaces.
 * D3 `write` writes all bytes or throws; after a throw the range holds anything.
 * D4 Errors carry `code` as Node names it (`ENOSPC`, `EIO`, `ENOENT`…).
 * D5 An open file knows whether a name still leads to it: directories can be moved away, mounted
 *    over or exchanged for a copy while files in them are open.
 *
 * Calls without a promise block: they belong to the committer, which runs off the event loop.
 */
export interface Disk {
  /** False when it is already there. */
  makeDir(path: string): boolean
  /** `create` is exclusive and read-write, `edit` is read-write, `read` is read-only. */
  open(path: string, mode: 'create' | 'edit' | 'read'): DiskFile
  /** False when `to` already exists. */
  link(from: string, to: string): boolean
  rename(from: string, to: string): void
  /** False when nothing was there. */
  remove(path: string): boolean
  list(path: string): DiskEntry[]
  stat(path: string): DiskStat | undefined
  syncDir(path: string): void
  /** The same for several at once, where that spares time; D1 holds for all together. */
  syncDirs?(paths: readonly string[]): Promise<void>
  space(path: string): DiskSpace
  /** Takes the exclusive lock, or returns undefined when another holder has it. */
  lock(path: string): (() => void) | undefined
  /** The same file operations for the event loop: streams of uploads and downloads. */
  openAsync(path: string, mode: 'create' | 'read'): Promise<DiskStream>
}

export interface DiskFile {
  write(bytes: Uint8Array, position: number): void
  /** Bytes read; fewer than asked only at the end of the file. */
  read(into: Uint8Array, position: number): number
  /** Data and size, as fdatasync. */
  sync(): void
  truncate(size: number): void
  size(): number
  /** False when `path` leads nowhere, or to another file. */
  isAt(path: string): boolean
  close(): void
}

export interface DiskStream {
  write(bytes: readonly Uint8Array[], position: number): Promise<void>
  read(into: Uint8Array, position: number): Promise<number>
  /** Blocks, as `DiskFile.read`: for bytes that are likely in the memory of the system. */
  readNow(into: Uint8Array, position: number): number
  sync(): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

export interface DiskEntry {
  readonly name: string
  readonly kind: 'file' | 'dir' | 'other'
}

export interface DiskStat {
  readonly kind: 'file' | 'dir' | 'other'
  readonly size: number
  readonly modifiedMs: number
}

export interface DiskSpace {
  readonly freeBytes: number
  readonly totalBytes: number
}
