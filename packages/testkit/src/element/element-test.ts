import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type {
  BlobBytes,
  BlobPlace,
  ByteRange,
  ByteSource,
  Element,
  WriteOptions,
  WrittenBlob,
} from '@holdfast/core/ports/element.ts'
import { bodyProblem, bodySource, makeBody } from '../self-describing-bodies.ts'
import type { ElementUnderTest, OpenElement } from './under-test.ts'

/** Around every size at which something may change: sectors, blocks of sums, packs, buffers. */
export const edgeSizes = [
  0,
  1,
  511,
  512,
  513,
  4095,
  4097,
  65_535,
  65_536,
  65_537,
  256 * 1024,
  256 * 1024 + 1,
  1024 * 1024,
  1024 * 1024 + 1,
  3 * 1024 * 1024 + 17,
]

export function elementTest(
  open: OpenElement,
  name: string,
  body: (element: Element, under: ElementUnderTest) => Promise<void>,
): void {
  test(name, async () => {
    const under = await open()
    try {
      await body(under.element, under)
    } finally {
      await under.close()
    }
  })
}

/** Operation numbers make contents differ; the checks name the operation that wrote them. */
export async function writeBody(
  element: Element,
  body: { operation: number; size: number },
  options: WriteOptions = {},
): Promise<WrittenBlob> {
  const written = await element.write(bodySource(body.operation, body.size), options)
  assert.equal(written.size, body.size)
  return written
}

export async function checkBody(
  element: Element,
  place: BlobPlace,
  expected: { operation: number; range?: ByteRange },
): Promise<void> {
  const { operation, range } = expected
  const bytes = await readBytes(element, place, range)
  const first = range?.first ?? 0
  const count = (range?.last ?? place.size - 1) - first + 1
  const problem = bodyProblem(bytes, { operation, length: place.size, first, count })
  assert.equal(problem, undefined)
}

export async function readBytes(
  element: Element,
  place: BlobPlace,
  range?: ByteRange,
): Promise<Uint8Array> {
  const read = await element.read(place, range)
  const bytes = await collect(read)
  assert.equal(bytes.length, read.size)
  return bytes
}

export async function collect(read: BlobBytes): Promise<Uint8Array> {
  if (read.bytes !== undefined) return read.bytes
  const chunks: Uint8Array[] = []
  for await (const chunk of read.chunks) chunks.push(Uint8Array.from(chunk))
  return Buffer.concat(chunks)
}

export async function listed(element: Element): Promise<string[]> {
  const found: string[] = []
  for await (const { sha256, location, size } of element.list()) {
    found.push(`${sha256} ${location} ${size}`)
  }
  return found.sort()
}

export function listLines(blobs: readonly WrittenBlob[]): string[] {
  return blobs.map(({ sha256, location, size }) => `${sha256} ${location} ${size}`).sort()
}

export function sha256Of(operation: number, size: number): string {
  return hash('sha256', makeBody(operation, size))
}

/** Rejects with a HoldfastError of one of the codes. */
export async function rejectsWith(promise: Promise<unknown>, ...codes: string[]): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(isHoldfastError(error), `not one of ours: ${String(error)}`)
    assert.ok(codes.includes(error.code), `${error.code}, not ${codes.join(' or ')}`)
    return true
  })
}

/** A source that stops until told, to look at the element while a write is under way. */
export function gatedSource(body: Uint8Array): {
  source: ByteSource
  halfway: Promise<void>
  open: () => void
} {
  const halfway = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  async function* source() {
    const middle = Math.ceil(body.length / 2)
    yield body.subarray(0, middle)
    halfway.resolve()
    await gate.promise
    yield body.subarray(middle)
  }
  return { source: source(), halfway: halfway.promise, open: () => gate.resolve() }
}
