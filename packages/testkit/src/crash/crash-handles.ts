import type { DiskFile, DiskStream } from '@holdfast/core/ports/disk.ts'
import { DiskError, type DiskLook, type DiskOperation } from './disk-faults.ts'
import type { FileNode } from './file-node.ts'

/** What a handle needs of its disk. */
export interface HandleHost {
  change<T>(operation: DiskOperation, path: string, step: ChangeStep<T>): T
  look<T>(look: DiskLook, path: string, act: () => T): T
  /** How many of so many more bytes still fit. */
  room(bytes: number): number
  fileSynced(file: FileNode): void
  isAt(path: string, file: FileNode): boolean
  closed(file: FileNode): void
  now(): number
  /** Orders changes across the whole disk. */
  time(): number
  /** How much of a failing write still reached the file, 0 to 1. */
  tornShare(): number
}

export interface ChangeStep<T> {
  readonly act: () => T
  /** What an injected failure leaves behind. */
  readonly fail?: () => void
}

export class CrashFile implements DiskFile {
  readonly #host: HandleHost
  readonly #file: FileNode
  readonly #path: string
  readonly #writable: boolean
  #open = true

  constructor(host: HandleHost, file: FileNode, target: { path: string; writable: boolean }) {
    this.#host = host
    this.#file = file
    this.#path = target.path
    this.#writable = target.writable
    file.opens += 1
  }

  write(bytes: Uint8Array, position: number): void {
    this.#check(true)
    const fail = () => {
      const share = Math.floor(bytes.length * this.#host.tornShare())
      this.#file.write(bytes.subarray(0, share), position, this.#host.time())
    }
    const act = () => {
      const grows = Math.max(0, position + bytes.length - this.#file.sizeBytes)
      const missing = grows - this.#host.room(grows)
      const fitting = bytes.subarray(0, Math.max(0, bytes.length - missing))
      this.#file.write(fitting, position, this.#host.time())
      this.#file.modifiedMs = this.#host.now()
      if (missing > 0) throw new DiskError('ENOSPC', 'write', this.#path)
    }
    this.#host.change('write', this.#path, { act, fail })
  }

  read(into: Uint8Array, position: number): number {
    this.#check(false)
    return this.#host.look('read', this.#path, () => this.#file.read(into, position))
  }

  sync(): void {
    this.#check(false)
    this.#host.change('sync', this.#path, {
      act: () => {
        this.#file.sync()
        this.#host.fileSynced(this.#file)
      },
      fail: () => this.#file.syncFailed(),
    })
  }

  truncate(size: number): void {
    this.#check(true)
    const act = () => {
      this.#file.truncate(size, this.#host.time())
      this.#file.modifiedMs = this.#host.now()
    }
    this.#host.change('truncate', this.#path, { act })
  }

  size(): number {
    this.#check(false)
    return this.#host.look('stat', this.#path, () => this.#file.sizeBytes)
  }

  isAt(path: string): boolean {
    this.#check(false)
    return this.#host.look('stat', path, () => this.#host.isAt(path, this.#file))
  }

  close(): void {
    this.#check(false)
    this.#open = false
    this.#file.opens -= 1
    this.#host.closed(this.#file)
  }

  #check(writes: boolean): void {
    if (!this.#open || (writes && !this.#writable)) throw new DiskError('EBADF', 'use', this.#path)
  }
}

/** The same file for the event loop. */
export function asStream(file: DiskFile): DiskStream {
  return {
    async write(bytes, position) {
      await undefined
      file.write(bytes.length === 1 && bytes[0] ? bytes[0] : Buffer.concat(bytes), position)
    },
    async read(into, position) {
      await undefined
      return file.read(into, position)
    },
    async sync() {
      await undefined
      file.sync()
    },
    async size() {
      return file.size()
    },
    async close() {
      file.close()
    },
  }
}
