import type { Disk } from '@holdfast/core/ports/disk.ts'

export interface DiskUnderTest {
  readonly disk: Disk
  /** An existing, empty directory that the tests may fill. */
  readonly root: string
  close(): Promise<void>
}

export type OpenDisk = () => Promise<DiskUnderTest>
