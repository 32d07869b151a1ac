import { createCipheriv, createHash, type Hash } from 'node:crypto'

export const stampBytes = 16
export const numberDigits = 10

const fillerBytesMax = 64 * 1024 * 1024
let filler = Buffer.alloc(0)

/** What the body of this object begins with. */
export function stampOf(tag: string, number: number): string {
  return tag + digitsOf(number)
}

export function digitsOf(number: number): string {
  return String(number).padStart(numberDigits, '0')
}

/** Writes the number as digits over those that stand there: no new string, no new buffer. */
export function writeDigits(into: Buffer, at: number, number: number): void {
  let rest = number
  for (let index = at + numberDigits - 1; index >= at; index -= 1) {
    into[index] = 48 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}

/** All of a body behind its stamp, as views on one filler: 1 GiB costs no more than 64 MiB. */
export function bodyParts(sizeBytes: number): Buffer[] {
  const source = fillerOf(sizeBytes)
  const parts: Buffer[] = []
  let left = sizeBytes - stampBytes
  let from = stampBytes
  while (left > 0) {
    const part = source.subarray(from, from + left)
    parts.push(part)
    left -= part.length
    from = 0
  }
  return parts
}

export function bodyHash(stamp: string, sizeBytes: number): string {
  return hashed('sha256', stamp, sizeBytes).digest('hex')
}

/** As `Content-MD5` has it. */
export function bodyMd5(stamp: string, sizeBytes: number): string {
  return hashed('md5', stamp, sizeBytes).digest('base64')
}

function hashed(algorithm: string, stamp: string, sizeBytes: number): Hash {
  const hash = createHash(algorithm).update(stamp, 'latin1')
  for (const part of bodyParts(sizeBytes)) hash.update(part)
  return hash
}

/** A key stream, so it cannot be compressed and every process makes the same bytes. */
function fillerOf(sizeBytes: number): Buffer {
  const wanted = Math.min(fillerBytesMax, Math.max(sizeBytes, 1024 * 1024))
  if (filler.length < wanted) {
    const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16))
    filler = cipher.update(Buffer.alloc(wanted))
  }
  return filler
}
