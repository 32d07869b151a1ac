/** CRC-32C bit by bit (RFC 3720 B.4), so that it shares nothing with what it checks. */
export function crc32c(body: Uint8Array): number {
  let sum = 0xffffffff
  for (const byte of body) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1
  }
  return ~sum >>> 0
}
