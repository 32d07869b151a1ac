/** A running SHA-256. */
export interface Sha256 {
  update(bytes: Uint8Array): unknown
  /** Ends it: lower-case hex. */
  hex(): string
}

// WebCrypto hashes only what is whole in memory, so streams need an own one (FIPS 180-4 §6.2).
const K = new Int32Array(64)
const START = new Int32Array(8)
fillConstants()

/** The first 32 bits of the fractions of square and cube roots of the first primes (§4.2.2). */
function fillConstants(): void {
  const fraction = (root: number) => ((root - Math.floor(root)) * 2 ** 32) | 0
  const primes: number[] = []
  for (let n = 2; primes.length < 64; n += 1) {
    if (primes.every(prime => n % prime !== 0)) primes.push(n)
  }
  for (const [i, prime] of primes.entries()) {
    K[i] = fraction(Math.cbrt(prime))
    if (i < 8) START[i] = fraction(Math.sqrt(prime))
  }
}

const BLOCK = 64

export class StreamingSha256 implements Sha256 {
  readonly #state = new Int32Array(START)
  readonly #schedule = new Int32Array(64)
  readonly #rest = new Uint8Array(BLOCK)
  #restBytes = 0
  #sizeBytes = 0

  update(bytes: Uint8Array): this {
    this.#sizeBytes += bytes.length
    let at = 0
    if (this.#restBytes > 0) {
      at = Math.min(BLOCK - this.#restBytes, bytes.length)
      this.#rest.set(bytes.subarray(0, at), this.#restBytes)
      this.#restBytes += at
      if (this.#restBytes < BLOCK) return this
      this.#mix(this.#rest, 0)
      this.#restBytes = 0
    }
    for (; at + BLOCK <= bytes.length; at += BLOCK) this.#mix(bytes, at)
    this.#rest.set(bytes.subarray(at))
    this.#restBytes = bytes.length - at
    return this
  }

  hex(): string {
    const sizeBytes = this.#sizeBytes
    const padBytes = BLOCK - ((sizeBytes + 8) % BLOCK)
    const tail = new Uint8Array(padBytes + 8)
    tail[0] = 0x80
    const view = new DataView(tail.buffer)
    view.setUint32(padBytes, Math.floor(sizeBytes / 2 ** 29))
    view.setUint32(padBytes + 4, (sizeBytes * 8) >>> 0)
    this.update(tail)
    return Array.from(new Uint32Array(this.#state), word =>
      word.toString(16).padStart(8, '0'),
    ).join('')
  }

  #mix(bytes: Uint8Array, from: number): void {
    const w = this.#schedule
    for (let i = 0, at = from; i < 16; i += 1, at += 4) {
      w[i] =
        (byte(bytes, at) << 24) |
        (byte(bytes, at + 1) << 16) |
        (byte(bytes, at + 2) << 8) |
        byte(bytes, at + 3)
    }
    for (let i = 16; i < 64; i += 1) {
      const x = word(w, i - 15)
      const y = word(w, i - 2)
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
      w[i] = (word(w, i - 16) + s0 + word(w, i - 7) + s1) | 0
    }
    compress(this.#state, w)
  }
}

function compress(state: Int32Array, w: Int32Array): void {
  let a = word(state, 0)
  let b = word(state, 1)
  let c = word(state, 2)
  let d = word(state, 3)
  let e = word(state, 4)
  let f = word(state, 5)
  let g = word(state, 6)
  let h = word(state, 7)
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + word(K, i) + word(w, i)) | 0
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  state[0] = word(state, 0) + a
  state[1] = word(state, 1) + b
  state[2] = word(state, 2) + c
  state[3] = word(state, 3) + d
  state[4] = word(state, 4) + e
  state[5] = word(state, 5) + f
  state[6] = word(state, 6) + g
  state[7] = word(state, 7) + h
}

function word(words: Int32Array, at: number): number {
  return words[at] ?? 0
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}
