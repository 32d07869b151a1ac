import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { toReplyError } from '../../../store/reply-error.ts'
import { SINK_BYTES } from './large-sink.ts'
import type { FromWriter, ToWriter, WriterData } from './writer-messages.ts'
import { WrittenFile } from './written-file.ts'

/** Hashes and writes large bodies, so that neither costs the event loop anything. */

function main(port: MessagePort, { slabs }: WriterData): void {
  const files = new Map<number, WrittenFile>()
  const slabOf = (index: number) => new Uint8Array(slabs, index * SINK_BYTES, SINK_BYTES)
  const answer = (message: FromWriter): void => port.postMessage(message)

  const handle = (message: ToWriter): void => {
    const { id } = message
    if (message.kind === 'abandon') {
      files.get(id)?.close()
      files.delete(id)
      answer({ kind: 'done', id, slab: null })
      return
    }
    const slab = message.kind === 'open' ? null : message.slab
    try {
      if (message.kind === 'open') {
        files.set(id, WrittenFile.create(message))
        answer({ kind: 'done', id, slab })
        return
      }
      const file = files.get(id)
      if (file === undefined) throw new Error('bytes for a file that is not open')
      if (message.kind === 'write') {
        file.write(slabOf(message.slab), message.size)
        answer({ kind: 'done', id, slab })
        return
      }
      const facts = file.finish(slabOf(message.slab), message.size)
      files.delete(id)
      answer({ kind: 'finished', id, slab: message.slab, facts })
    } catch (error) {
      answer({ kind: 'failed', id, slab, error: toReplyError(error) })
    }
  }
  port.on('message', handle)
}

if (parentPort !== null) main(parentPort, workerData)
