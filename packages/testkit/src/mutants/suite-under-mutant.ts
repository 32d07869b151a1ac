import { mutantDisk } from '../crash/mutant-disks.ts'
import { CrashDisk } from '../crash-disk.ts'
import { diskSuite } from '../disk-suite.ts'
import { SimpleElement } from '../element/simple-element.ts'
import { elementSuite } from '../element-suite.ts'
import { mutantElement } from './element-mutants.ts'

/** Run in a process of its own by suite-mutants.test.ts: one suite on one driver that is wrong. */
const [suite, mutant = ''] = (process.env.HOLDFAST_TEST_MUTANT ?? '').split(': ')

switch (suite) {
  case 'disk':
    diskSuite('wrong', async () => {
      const disk = new CrashDisk()
      return { disk: mutantDisk(disk, mutant as 'no-sync'), root: '/', close: async () => {} }
    })
    break
  case 'element':
    elementSuite('wrong', async () => {
      const place = { blobs: new Map(), notes: new Map() }
      const open = () => mutantElement(new SimpleElement(place), mutant)
      return { element: open(), reopen: async () => open(), close: async () => {} }
    })
    break
  default:
    throw new RangeError(`no suite ${suite}`)
}
