import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type LaneStream, Md5Lanes } from '../lanes/md5-lanes.ts'
import { SINK_BYTES } from './large-sink.ts'
import { LANES_AT } from './slabs.ts'
import type { FromWriter, ToWriter, WriterData } from './writer-messages.ts'

/** Takes the MD5s of all large bodies, as many at a time as there are pieces of different ones. */

const clock = {
  now: () => performance.now(),
  soon: (run: () => void) => void setImmediate(run),
  after: (ms: number, run: () => void) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

function main(port: MessagePort, { slabs }: WriterData): void {
  const waitingBytesMax = LANES_AT / 3
  const lanes = new Md5Lanes({ memory: slabs, address: LANES_AT, clock, waitingBytesMax })
  const streams = new Map<number, LaneStream>()

  const streamOf = (id: number): LaneStream => {
    const stream = streams.get(id) ?? lanes.open()
    streams.set(id, stream)
    return stream
  }

  const answerTo = async (message: ToWriter): Promise<FromWriter> => {
    const { id } = message
    if (message.kind === 'abandon') {
      const stream = streams.get(id)
      streams.delete(id)
      if (stream !== undefined) lanes.drop(stream)
      return { kind: 'done', id, slabs: [] }
    }
    const { size, slabs: taken } = message
    const parts = taken.map((slab, at) => {
      const length = Math.min(SINK_BYTES, size - at * SINK_BYTES)
      return new Uint8Array(slabs.buffer, slab * SINK_BYTES, length)
    })
    const stream = streamOf(id)
    if (message.kind === 'write') {
      await lanes.add(stream, parts)
      return { kind: 'done', id, slabs: taken }
    }
    const md5 = await lanes.finish(stream, parts)
    streams.delete(id)
    return { kind: 'hashed', id, slabs: taken, md5 }
  }

  let answers: FromWriter[] = []
  const answer = async (message: ToWriter) => {
    const answered = await answerTo(message)
    // Those that were hashed together are told together.
    if (answers.length === 0) {
      queueMicrotask(() => {
        port.postMessage(answers)
        answers = []
      })
    }
    answers.push(answered)
  }
  port.on('message', async (messages: readonly ToWriter[]) => {
    await Promise.all(messages.map(answer))
  })
}

if (parentPort !== null) main(parentPort, workerData)
