import { describe } from 'node:test'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import { dirTests } from './disk/dir-tests.ts'
import { fileTests } from './disk/file-tests.ts'
import { promiseTests } from './disk/promise-tests.ts'
import { streamTests } from './disk/stream-tests.ts'

export interface DiskUnderTest {
  readonly disk: Disk
  /** An existing, empty directory that the tests may fill. */
  readonly root: string
  close(): Promise<void>
}

/** What every `Disk` must do. Each test gets a fresh one. */
export function diskSuite(name: string, open: () => Promise<DiskUnderTest>): void {
  describe(`disk: ${name}`, () => {
    promiseTests(open)
    fileTests(open)
    dirTests(open)
    streamTests(open)
  })
}
