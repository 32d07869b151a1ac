import { constants, md5Code, place } from './md5-code.ts'
import { load, PAGE_BYTES, type SharedMemory, type WasmFunction } from './web-assembly.ts'

export interface LaneClock {
  /** Milliseconds that only go forward. */
  now(): number
  /** Runs this as soon as what has come in already was looked at. */
  soon(run: () => void): void
  /** Runs this after some milliseconds, unless it is taken back. */
  after(ms: number, run: () => void): () => void
}

export interface LanesOptions {
  readonly memory: SharedMemory
  /** A page of it for the lanes themselves. */
  readonly address: number
  readonly clock: LaneClock
  /** With this much waiting already, nobody else is waited for: he may be short of memory. */
  readonly waitingBytesMax: number
}

const LANES = 8
const BLOCK_BYTES = 64
const START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
/** How long pieces wait for more streams: what two pieces of 512 KiB take by themselves. */
const WAIT_MS = 2
/** How long nobody is waited for after a wait in which nobody came. */
const REST_MS = 2 * WAIT_MS
/** Who has brought something not longer ago than this may well bring more. */
const LIVELY_MS = 20

/** Blocks that lie one after the other: in the memory of the lanes, or the padded end here. */
interface Run {
  at: number
  blocks: number
  readonly end: Uint8Array | undefined
}

interface Piece {
  readonly bytes: number
  readonly runs: Run[]
  readonly done: () => void
}

/** Some bytes, one after the other, whose MD5 is wanted. */
class LaneStream {
  readonly state = Int32Array.from(START)
  readonly pieces: Piece[] = []
  bytes = 0
  broughtAt = 0
}

export type { LaneStream }

/**
 * The MD5s of many streams at once (RFC 1321), in the lanes of vector instructions. Pieces wait a
 * little for other streams that have just brought something. A stream that is alone never waits,
 * and one beside slow ones seldom.
 */
export class Md5Lanes {
  readonly #clock: LaneClock
  readonly #address: number
  readonly #bytes: Uint8Array
  readonly #words: Int32Array
  readonly #one: WasmFunction
  readonly #two: WasmFunction
  readonly #four: WasmFunction
  readonly #eight: WasmFunction
  readonly #open = new Set<LaneStream>()
  /** Those with something to hash, who came first before the others. */
  readonly #waiting = new Set<LaneStream>()
  #stopTimer: (() => void) | undefined
  readonly #waitingBytesMax: number
  #waitingBytes = 0
  #restsUntil = Number.NEGATIVE_INFINITY
  #isDue = false

  constructor({ memory, address, clock, waitingBytesMax }: LanesOptions) {
    this.#clock = clock
    this.#waitingBytesMax = waitingBytesMax
    this.#address = address
    this.#bytes = new Uint8Array(memory.buffer, address, PAGE_BYTES)
    this.#words = new Int32Array(memory.buffer, address, PAGE_BYTES / 4)
    this.#words.set(constants, place.constants / 4)
    const functions = load(md5Code, memory)
    const named = (name: string) => {
      const found = functions.get(name)
      if (found === undefined) throw new Error(`no code for ${name}`)
      return found
    }
    this.#one = named('one')
    this.#two = named('two')
    this.#four = named('four')
    this.#eight = named('eight')
  }

  open(): LaneStream {
    const stream = new LaneStream()
    this.#open.add(stream)
    return stream
  }

  /**
   * The next bytes of a stream, each part in the memory of the lanes and of whole blocks. They may
   * be used again once it resolves.
   */
  add(stream: LaneStream, parts: readonly Uint8Array[]): Promise<void> {
    if (parts.some(({ length }) => length % BLOCK_BYTES !== 0)) throw new Error('not whole blocks')
    return this.#bring(
      stream,
      parts.flatMap(part => wholeBlocks(part)),
    )
  }

  /** The last bytes, of any size; hex. */
  async finish(stream: LaneStream, parts: readonly Uint8Array[]): Promise<string> {
    const bytes = stream.bytes + sizeOf(parts)
    const runs = parts.flatMap(part => wholeBlocks(part))
    const last = parts.at(-1) ?? new Uint8Array(0)
    const end = paddedEnd(last.subarray(last.length - (last.length % BLOCK_BYTES)), bytes)
    runs.push({ at: 0, blocks: end.length / BLOCK_BYTES, end })
    this.#open.delete(stream)
    await this.#bring(stream, runs)
    return hexOf(stream.state)
  }

  /** What it still has to hash is let go; its promises resolve. */
  drop(stream: LaneStream): void {
    this.#open.delete(stream)
    this.#waiting.delete(stream)
    while (stream.pieces.length > 0) this.#finishPiece(stream)
    this.#plan()
  }

  #bring(stream: LaneStream, runs: Run[]): Promise<void> {
    const bytes = runs.reduce((sum, { blocks }) => sum + blocks * BLOCK_BYTES, 0)
    stream.bytes += bytes
    stream.broughtAt = this.#clock.now()
    const { promise, resolve } = Promise.withResolvers<void>()
    stream.pieces.push({ bytes, runs, done: resolve })
    this.#waitingBytes += bytes
    this.#waiting.add(stream)
    this.#plan()
    return promise
  }

  /** When to hash next: at once if nobody is worth waiting for. */
  #plan(): void {
    if (this.#isDue || this.#waiting.size === 0) return
    if (this.#isWorthWaiting()) {
      this.#stopTimer ??= this.#waitForMore()
      return
    }
    this.#isDue = true
    this.#clock.soon(() => this.#hash())
  }

  #isWorthWaiting(): boolean {
    const now = this.#clock.now()
    if (this.#waiting.size >= LANES || now < this.#restsUntil) return false
    if (this.#waitingBytes >= this.#waitingBytesMax) return false
    for (const stream of this.#open) {
      if (!this.#waiting.has(stream) && stream.broughtAt > now - LIVELY_MS) return true
    }
    return false
  }

  #waitForMore(): () => void {
    const waiting = this.#waiting.size
    return this.#clock.after(WAIT_MS, () => {
      if (this.#waiting.size <= waiting) this.#restsUntil = this.#clock.now() + REST_MS
      this.#hash()
    })
  }

  /** Goes on until a piece of those that were taken is done. */
  #hash(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    this.#isDue = false
    const taken = [...this.#waiting].slice(0, LANES)
    while (taken.length > 0 && taken.every(({ pieces }) => pieces[0]?.runs[0] !== undefined)) {
      this.#step(taken)
    }
    for (const stream of taken) {
      if (stream.pieces[0]?.runs.length !== 0) continue
      this.#finishPiece(stream)
      // Behind those that have waited meanwhile.
      this.#waiting.delete(stream)
      if (stream.pieces.length > 0) this.#waiting.add(stream)
    }
    this.#plan()
  }

  #finishPiece(stream: LaneStream): void {
    const piece = stream.pieces.shift()
    if (piece === undefined) return
    this.#waitingBytes -= piece.bytes
    piece.done()
  }

  /** As many blocks as the shortest run of them has. */
  #step(taken: readonly LaneStream[]): void {
    const runs = taken.flatMap(({ pieces }) => pieces[0]?.runs[0] ?? [])
    const blocks = Math.min(...runs.map(run => run.blocks))
    const addresses = runs.map((run, lane) => this.#addressOf(run, lane))
    for (const [lane, { state }] of taken.entries()) this.#setState(lane, state)
    this.#compute(addresses, blocks)
    for (const [lane, stream] of taken.entries()) {
      this.#readState(lane, stream.state)
      const run = runs[lane]
      if (run === undefined) continue
      run.at += blocks * BLOCK_BYTES
      run.blocks -= blocks
      if (run.blocks === 0) stream.pieces[0]?.runs.shift()
    }
  }

  #compute(addresses: readonly number[], blocks: number): void {
    const [first = 0] = addresses
    // Lanes that are free hash something that is there, and nobody asks for it.
    for (let lane = 0; lane < LANES; lane += 1) {
      this.#words[place.blocks / 4 + lane] = addresses[lane] ?? first
    }
    const compute = this.#codeFor(addresses.length)
    compute(this.#address, blocks)
  }

  #codeFor(streams: number): WasmFunction {
    if (streams === 1) return this.#one
    if (streams === 2) return this.#two
    return streams <= 4 ? this.#four : this.#eight
  }

  /** Ends of streams lie in the page of the lanes, each behind the others. */
  #addressOf(run: Run, lane: number): number {
    if (run.end === undefined) return run.at
    const at = END_AT + lane * 2 * BLOCK_BYTES
    this.#bytes.set(run.end, at)
    return this.#address + at + run.at
  }

  #setState(lane: number, state: Int32Array): void {
    for (let word = 0; word < 4; word += 1) this.#words[stateAt(lane, word)] = state[word] ?? 0
  }

  #readState(lane: number, state: Int32Array): void {
    for (let word = 0; word < 4; word += 1) state[word] = this.#words[stateAt(lane, word)] ?? 0
  }
}

const END_AT = 1024

function stateAt(lane: number, word: number): number {
  return place.states / 4 + 16 * (lane >> 2) + 4 * word + (lane & 3)
}

function wholeBlocks({ byteOffset, length }: Uint8Array): Run[] {
  const blocks = Math.floor(length / BLOCK_BYTES)
  return blocks === 0 ? [] : [{ at: byteOffset, blocks, end: undefined }]
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

/** RFC 1321 §3.1 and §3.2: a one, zeros, and the number of bits. */
function paddedEnd(rest: Uint8Array, bytes: number): Uint8Array {
  const size = rest.length + 9 <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES
  const end = new Uint8Array(size)
  end.set(rest)
  end[rest.length] = 0x80
  new DataView(end.buffer).setBigUint64(size - 8, BigInt(bytes) * 8n, true)
  return end
}

function hexOf(state: Int32Array): string {
  const bytes = Buffer.alloc(16)
  for (const [word, value] of state.entries()) bytes.writeInt32LE(value, 4 * word)
  return bytes.toString('hex')
}
