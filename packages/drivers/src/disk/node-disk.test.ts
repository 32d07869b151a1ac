import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskSuite } from '@holdfast/testkit/disk-suite.ts'
import { nodeDisk } from './node-disk.ts'

diskSuite('node', async () => {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-disk-'))
  return { disk: nodeDisk, root, close: () => rm(root, { recursive: true }) }
})
