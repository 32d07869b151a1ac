import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { toReplyError } from '../../../store/reply-error.ts'
import { DiskTurns } from './disk-turns.ts'
import { SINK_BYTES } from './large-sink.ts'
import type { FromWriter, ToWriter, WriterData } from './writer-messages.ts'
import { WrittenFile } from './written-file.ts'

/** Two threads leave a part of the pool (`UV_THREADPOOL_SIZE`, set to 8 at the start) to reads. */
const DISK_TURNS = 3

/** Hashes and writes large bodies, so that neither costs the event loop anything. */

function main(port: MessagePort, { slabs }: WriterData): void {
  const files = new Map<number, WrittenFile>()
  const turns = new DiskTurns(DISK_TURNS)
  const slabOf = (index: number) => new Uint8Array(slabs.buffer, index * SINK_BYTES, SINK_BYTES)

  const answerTo = async (message: ToWriter): Promise<FromWriter> => {
    const { id } = message
    if (message.kind === 'abandon') {
      const file = files.get(id)
      files.delete(id)
      await file?.close()
      return { kind: 'done', id, slabs: [] }
    }
    const { size, slabs: taken, open } = message
    if (open !== undefined) files.set(id, new WrittenFile(turns, open))
    const file = files.get(id)
    try {
      if (file === undefined) throw new Error('bytes for a file that is not open')
      const memory = taken.map(slabOf)
      if (message.kind === 'write') {
        await file.write(memory, size)
        return { kind: 'done', id, slabs: taken }
      }
      const facts = await file.finish(memory, size)
      files.delete(id)
      return { kind: 'finished', id, slabs: taken, facts }
    } catch (error) {
      return { kind: 'failed', id, slabs: taken, error: toReplyError(error) }
    }
  }

  const answer = async (message: ToWriter) => port.postMessage([await answerTo(message)])
  port.on('message', async (messages: readonly ToWriter[]) => {
    await Promise.all(messages.map(answer))
  })
}

if (parentPort !== null) main(parentPort, workerData)
