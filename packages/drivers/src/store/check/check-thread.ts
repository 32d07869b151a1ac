import { parentPort, workerData } from 'node:worker_threads'
import { nodeDisk } from '../../disk/node-disk.ts'
import { type CheckOptions, type CheckStep, checkCatalog } from './check-catalog.ts'

/** A comparison in a thread of its own, so that it costs the event loop nothing. */

export type CheckThreadData = Omit<CheckOptions, 'disk'>

if (parentPort !== null) {
  const data: CheckThreadData = workerData
  for (const step of checkCatalog({ ...data, disk: nodeDisk })) {
    parentPort.postMessage(step satisfies CheckStep)
  }
  parentPort.close()
}
