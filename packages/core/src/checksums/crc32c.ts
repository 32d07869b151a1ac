/**
 * CRC-32C (Castagnoli, RFC 9260 appendix B), slicing by 8. Node's zlib has only CRC-32; this is
 * needed where a client sends x-amz-checksum-crc32c.
 */

const POLYNOMIAL = 0x82f63b78

const tables = buildTables()

function buildTables(): Uint32Array[] {
  const first = new Uint32Array(256)
  for (let n = 0; n < 256; n += 1) {
    let value = n
    for (let bit = 0; bit < 8; bit += 1) {
      value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
    }
    first[n] = value >>> 0
  }
  const all = [first]
  for (let slice = 1; slice < 8; slice += 1) {
    const before = all[slice - 1] ?? first
    all.push(before.map(value => (value >>> 8) ^ at(first, value & 0xff)))
  }
  return all
}

function at(table: Uint32Array | undefined, index: number): number {
  return table?.[index] ?? 0
}

/** `seed` is the value of the bytes before these. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables
  let crc = ~seed >>> 0
  let i = 0
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (; i + 8 <= bytes.length; i += 8) {
    const low = (view.getUint32(i, true) ^ crc) >>> 0
    const high = view.getUint32(i + 4, true)
    crc =
      at(t7, low & 0xff) ^
      at(t6, (low >>> 8) & 0xff) ^
      at(t5, (low >>> 16) & 0xff) ^
      at(t4, low >>> 24) ^
      at(t3, high & 0xff) ^
      at(t2, (high >>> 8) & 0xff) ^
      at(t1, (high >>> 16) & 0xff) ^
      at(t0, high >>> 24)
  }
  for (; i < bytes.length; i += 1) crc = (crc >>> 8) ^ at(t0, (crc ^ (bytes[i] ?? 0)) & 0xff)
  return ~crc >>> 0
}
