/** CRC-32C and CRC-64/NVME, eight table look-ups for each eight bytes. */

const CRC32C_POLYNOMIAL = 0x82f63b78
const tables32 = Array.from({ length: 8 }, () => new Int32Array(256))

for (let byte = 0; byte < 256; byte += 1) {
  let value = byte
  for (let bit = 0; bit < 8; bit += 1) {
    value = value & 1 ? (value >>> 1) ^ CRC32C_POLYNOMIAL : value >>> 1
  }
  at32(0)[byte] = value
}
for (let table = 1; table < 8; table += 1) {
  for (let byte = 0; byte < 256; byte += 1) {
    const before = at32(table - 1)[byte] ?? 0
    at32(table)[byte] = (before >>> 8) ^ (at32(0)[before & 0xff] ?? 0)
  }
}

function at32(table: number): Int32Array {
  return tables32[table] ?? new Int32Array(256)
}

const [t0, t1, t2, t3] = [at32(0), at32(1), at32(2), at32(3)]
const [t4, t5, t6, t7] = [at32(4), at32(5), at32(6), at32(7)]
const look = (table: Int32Array, at: number): number => table[at] ?? 0

/** Castagnoli (RFC 3720), continuing from the value before. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  let at = 0
  const whole = bytes.length - 8
  while (at <= whole) {
    crc ^=
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24)
    crc =
      look(t7, crc & 0xff) ^
      look(t6, (crc >>> 8) & 0xff) ^
      look(t5, (crc >>> 16) & 0xff) ^
      look(t4, crc >>> 24) ^
      look(t3, bytes[at + 4] ?? 0) ^
      look(t2, bytes[at + 5] ?? 0) ^
      look(t1, bytes[at + 6] ?? 0) ^
      look(t0, bytes[at + 7] ?? 0)
    at += 8
  }
  for (; at < bytes.length; at += 1) {
    crc = (crc >>> 8) ^ look(t0, (crc ^ (bytes[at] ?? 0)) & 0xff)
  }
  return ~crc >>> 0
}

const CRC64_POLYNOMIAL = 0x9a6c9329ac4bc9b5n
/** High and low halves of the tables: numbers of 32 bits are what the machine is fast at. */
const high64 = new Int32Array(8 * 256)
const low64 = new Int32Array(8 * 256)

for (let byte = 0; byte < 256; byte += 1) {
  let value = BigInt(byte)
  for (let bit = 0; bit < 8; bit += 1) {
    value = value & 1n ? (value >> 1n) ^ CRC64_POLYNOMIAL : value >> 1n
  }
  high64[byte] = Number(BigInt.asIntN(32, value >> 32n))
  low64[byte] = Number(BigInt.asIntN(32, value))
}
for (let at = 256; at < high64.length; at += 1) {
  const high = high64[at - 256] ?? 0
  const low = low64[at - 256] ?? 0
  const first = low & 0xff
  low64[at] = ((low >>> 8) | (high << 24)) ^ (low64[first] ?? 0)
  high64[at] = (high >>> 8) ^ (high64[first] ?? 0)
}

/** CRC-64/NVME: reflected, all ones at both ends. */
export class Crc64Nvme {
  #high = -1
  #low = -1

  add(bytes: Uint8Array): void {
    let high = this.#high
    let low = this.#low
    let at = 0
    const whole = bytes.length - 8
    while (at <= whole) {
      low ^=
        (bytes[at] ?? 0) |
        ((bytes[at + 1] ?? 0) << 8) |
        ((bytes[at + 2] ?? 0) << 16) |
        ((bytes[at + 3] ?? 0) << 24)
      high ^=
        (bytes[at + 4] ?? 0) |
        ((bytes[at + 5] ?? 0) << 8) |
        ((bytes[at + 6] ?? 0) << 16) |
        ((bytes[at + 7] ?? 0) << 24)
      const a = 1792 + (low & 0xff)
      const b = 1536 + ((low >>> 8) & 0xff)
      const c = 1280 + ((low >>> 16) & 0xff)
      const d = 1024 + (low >>> 24)
      const e = 768 + (high & 0xff)
      const f = 512 + ((high >>> 8) & 0xff)
      const g = 256 + ((high >>> 16) & 0xff)
      const h = high >>> 24
      low =
        look(low64, a) ^
        look(low64, b) ^
        look(low64, c) ^
        look(low64, d) ^
        look(low64, e) ^
        look(low64, f) ^
        look(low64, g) ^
        look(low64, h)
      high =
        look(high64, a) ^
        look(high64, b) ^
        look(high64, c) ^
        look(high64, d) ^
        look(high64, e) ^
        look(high64, f) ^
        look(high64, g) ^
        look(high64, h)
      at += 8
    }
    for (; at < bytes.length; at += 1) {
      const first = (low ^ (bytes[at] ?? 0)) & 0xff
      low = ((low >>> 8) | (high << 24)) ^ look(low64, first)
      high = (high >>> 8) ^ look(high64, first)
    }
    this.#high = high
    this.#low = low
  }

  value(): string {
    const bytes = Buffer.alloc(8)
    bytes.writeInt32BE(~this.#high, 0)
    bytes.writeInt32BE(~this.#low, 4)
    return bytes.toString('base64')
  }
}
