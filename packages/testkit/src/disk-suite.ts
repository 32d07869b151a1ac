import { describe } from 'node:test'
import { dirTests } from './disk/dir-tests.ts'
import { fileTests } from './disk/file-tests.ts'
import { promiseTests } from './disk/promise-tests.ts'
import { streamTests } from './disk/stream-tests.ts'
import type { OpenDisk } from './disk/under-test.ts'

/** What every `Disk` must do. Each test gets a fresh one. */
export function diskSuite(name: string, open: OpenDisk): void {
  describe(`disk: ${name}`, () => {
    promiseTests(open)
    fileTests(open)
    dirTests(open)
    streamTests(open)
  })
}
