import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_CHARS = 32
/** Room for what SigV4 signs; longer texts, policies of forms, have memory of their own. */
const inner = Buffer.alloc(1024)
const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_CHARS)
/** Whose blocks stand at the start of both. */
let latest: SigningKey | undefined

/**
 * A key of HMAC-SHA-256 (RFC 2104 §2), put together from Node's SHA-256 in one call: half the time
 * of Node's own objects of HMAC, which are made anew for each signature and wait for the collector.
 */
export class SigningKey {
  readonly #inner: Uint8Array
  readonly #outer: Uint8Array

  /** Keys of this door are digests themselves; longer ones than a block would have to be hashed. */
  constructor(key: Uint8Array) {
    if (key.length > BLOCK_BYTES) throw new RangeError('a key is longer than a block')
    this.#inner = padded(key, 0x36)
    this.#outer = padded(key, 0x5c)
  }

  /** Of the UTF-8 of a text, in hex. */
  sign(text: string): string {
    if (latest !== this) {
      inner.set(this.#inner)
      outer.set(this.#outer)
      latest = this
    }
    outer.write(hash('sha256', this.#innerBytes(text), 'binary'), BLOCK_BYTES, 'latin1')
    return hash('sha256', outer, 'hex')
  }

  #innerBytes(text: string): Uint8Array {
    // A char is three bytes of UTF-8 at most.
    if (text.length * 3 > inner.length - BLOCK_BYTES) {
      return Buffer.concat([this.#inner, Buffer.from(text)])
    }
    return inner.subarray(0, BLOCK_BYTES + inner.write(text, BLOCK_BYTES))
  }
}

function padded(key: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES).fill(pad)
  for (const [at, byte] of key.entries()) block[at] = byte ^ pad
  return block
}
