import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import type { Plan } from './plans.ts'
import type { Wire } from './wires.ts'

/** Whoever sends a whole request and waits so long for one byte has met a hang. */
export const hangMs = 30_000
/** What a half-closed or silent client waits for the server. */
const silenceMs = 900
const headBytesMax = 400

/** Waits for the first of them, and so long at most; leaves no timer behind. */
async function firstOf(ms: number, ...events: readonly Promise<void>[]): Promise<void> {
  const over = new AbortController()
  const late = setTimeout(ms, undefined, { signal: over.signal }).catch(() => {})
  await Promise.race([...events, late])
  over.abort()
}

export interface Outcome {
  /** False when no connection came about. */
  readonly connected: boolean
  /** Of the first answer; undefined when none was read. */
  readonly status: number | undefined
  readonly isHung: boolean
}

/** Does what the plan says. The connection is gone when it resolves. */
export async function actOut(plan: Plan, wire: Wire): Promise<Outcome> {
  const { socket, stream } = wire
  const over = new Promise<void>(resolve => {
    if (socket.closed) resolve()
    socket.once('close', () => resolve())
  })
  const reader = new Reader(stream, plan.readBytes)
  try {
    if (!(await connected(wire))) return { connected: false, status: undefined, isHung: false }
    await send(stream, plan)
    const isHung = await finish(plan, { wire, reader, over })
    return { connected: true, status: reader.status, isHung }
  } finally {
    stream.destroy()
    socket.destroy()
    await over
  }
}

interface Connection {
  readonly wire: Wire
  readonly reader: Reader
  readonly over: Promise<void>
}

async function finish(plan: Plan, { wire, reader, over }: Connection): Promise<boolean> {
  if (plan.ending === 'calm') {
    await firstOf(hangMs, reader.answered, reader.ended, over)
    return reader.status === undefined
  }
  const end = plan.afterAnswer ? [reader.answered, over] : [over]
  await firstOf(plan.waitMs, ...end)
  if (plan.ending === 'silence') await firstOf(silenceMs, over)
  const { socket } = wire
  if (plan.ending === 'half-close') {
    wire.halfClose()
    await firstOf(silenceMs, over, reader.ended)
  } else if (!socket.destroyed && !socket.writableEnded) socket.resetAndDestroy()
  return false
}

function connected({ socket }: Wire): Promise<boolean> {
  return new Promise(resolve => {
    // It may have come about while what goes through it was made.
    if (!socket.connecting) resolve(!socket.destroyed)
    socket.once('connect', () => resolve(true)).once('close', () => resolve(false))
  })
}

async function send(stream: Duplex, { pieces, pauseMs }: Plan): Promise<void> {
  for (const [at, piece] of pieces.entries()) {
    if (at > 0) await setTimeout(pauseMs)
    if (!stream.writable) return
    // What the server does not read waits here, and is lost with the connection.
    stream.write(piece)
  }
}

/** Reads as much as it may of what comes. */
class Reader {
  readonly answered: Promise<void>
  readonly ended: Promise<void>
  #head = ''

  constructor(stream: Duplex, bytesMax: number) {
    let left = bytesMax
    const answered = Promise.withResolvers<void>()
    this.answered = answered.promise
    this.ended = new Promise(resolve => stream.once('end', () => resolve()))
    if (bytesMax === 0) {
      // Nothing is read, but the first byte is seen.
      stream.once('readable', () => answered.resolve())
      return
    }
    stream.on('data', (chunk: Buffer) => {
      if (this.#head.length < headBytesMax) this.#head += chunk.toString('latin1', 0, headBytesMax)
      if (this.status !== undefined) answered.resolve()
      left -= chunk.length
      if (left <= 0) stream.pause()
    })
  }

  /** Leave to go on is no answer. */
  get status(): number | undefined {
    const found = /^(?:HTTP\/1\.1 1\d\d[^\r]*\r\n\r\n)*HTTP\/1\.1 ([2-5]\d\d)/.exec(this.#head)
    return found === null ? undefined : Number(found[1])
  }
}
