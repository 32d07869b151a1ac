import type { ChecksumAlgorithm } from '@holdfast/core/objects.ts'

/**
 * The CRC of two texts one after the other, from their CRCs and the length of the second: so the
 * checksum of a multipart object needs no look at its bytes. A CRC is a remainder of polynomials;
 * appending n bytes multiplies it by x^(8n). Bits are reflected, so x^0 is the highest bit.
 */
interface Field {
  readonly bits: bigint
  readonly poly: bigint
}

const FIELDS: { readonly [Name in ChecksumAlgorithm]?: Field } = {
  CRC32: { bits: 32n, poly: 0xedb88320n },
  CRC32C: { bits: 32n, poly: 0x82f63b78n },
  CRC64NVME: { bits: 64n, poly: 0x9a6c9329ac4bc9b5n },
}

export function isCrc(algorithm: ChecksumAlgorithm): boolean {
  return FIELDS[algorithm] !== undefined
}

export interface SummedPart {
  readonly size: number
  /** Base64. */
  readonly checksum: string
}

/** Base64; undefined where the algorithm is none that can be combined. */
export function combineCrc(
  algorithm: ChecksumAlgorithm,
  parts: readonly SummedPart[],
): string | undefined {
  const field = FIELDS[algorithm]
  if (field === undefined) return undefined
  // Parts mostly have one size: the power of x is found once for each.
  const powers = new Map<number, bigint>()
  let sum = 0n
  for (const { size, checksum } of parts) {
    let power = powers.get(size)
    if (power === undefined) {
      power = xToThe(BigInt(size) * 8n, field)
      powers.set(size, power)
    }
    sum = multiply(sum, power, field) ^ decode(checksum)
  }
  const digits = Number(field.bits / 4n)
  return Buffer.from(sum.toString(16).padStart(digits, '0'), 'hex').toString('base64')
}

function decode(base64: string): bigint {
  return BigInt(`0x0${Buffer.from(base64, 'base64').toString('hex')}`)
}

/** The product modulo the polynomial. */
function multiply(a: bigint, b: bigint, { bits, poly }: Field): bigint {
  let product = 0n
  let factor = b
  for (let bit = bits - 1n; bit >= 0n; bit -= 1n) {
    if (((a >> bit) & 1n) === 1n) product ^= factor
    factor = (factor & 1n) === 1n ? (factor >> 1n) ^ poly : factor >> 1n
  }
  return product
}

function xToThe(exponent: bigint, field: Field): bigint {
  let result = 1n << (field.bits - 1n)
  let square = 1n << (field.bits - 2n)
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = multiply(result, square, field)
    square = multiply(square, square, field)
  }
  return result
}
