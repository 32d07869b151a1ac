import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { lendingSource } from '@holdfast/testkit/lending-source.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { ChunkedBody } from './chunks.ts'

const random = new SeededRandom(5)

const sourceOf = (bytes: Uint8Array, sizeMax: number) =>
  lendingSource(bytes, () => 1 + random.below(sizeMax))

const trailer = 'x-amz-checksum-crc32:AAAAAA==\r\n'

function framed(body: Uint8Array, chunkBytes: number): Buffer {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < body.length; at += chunkBytes) {
    const piece = body.subarray(at, at + chunkBytes)
    const head = Buffer.from(`${piece.length.toString(16)}\r\n`)
    pieces.push(head, piece, Buffer.from('\r\n'))
  }
  return Buffer.concat([...pieces, Buffer.from(`0\r\n${trailer}\r\n`)])
}

const opened = (source: ByteSource, length: number) =>
  new ChunkedBody(source, { signing: null, trailers: ['x-amz-checksum-crc32'], length })

async function copyOf(body: ByteSource): Promise<Buffer> {
  const copies: Buffer[] = []
  for await (const piece of body) {
    copies.push(Buffer.from(piece))
    body.done?.(piece)
  }
  return Buffer.concat(copies)
}

test('memory of the source goes back when all of it was copied, wherever it was cut', async () => {
  for (let round = 0; round < 200; round += 1) {
    const body = random.bytes(20_000 + random.below(100_000))
    const sizeMax = 1 + random.below(70_000)
    const { source, told } = sourceOf(framed(body, 8192 + random.below(30_000)), sizeMax)
    const chunked = opened(source, body.length)
    assert.ok((await copyOf(chunked.bytes())).equals(body))
    assert.equal(chunked.trailers.get('x-amz-checksum-crc32'), 'AAAAAA==')
    assert.equal(told.back, told.given)
  }
})

test('pieces that nobody has copied stay as they are', async () => {
  const body = random.bytes(200_000)
  const { source } = sourceOf(framed(body, 65_536), 50_000)
  const pieces: Uint8Array[] = []
  for await (const piece of opened(source, body.length).bytes()) pieces.push(piece)
  assert.ok(Buffer.concat(pieces).equals(body))
})

test('pieces that are copied later than others keep their memory until then', async () => {
  for (let round = 0; round < 200; round += 1) {
    const body = random.bytes(20_000 + random.below(100_000))
    const { source } = sourceOf(framed(body, 8192 + random.below(30_000)), 1 + random.below(70_000))
    const copies: Buffer[] = []
    let kept: Uint8Array[] = []
    const chunked = opened(source, body.length).bytes()
    const copyKept = () => {
      copies.push(...kept.map(piece => Buffer.from(piece)))
      for (const piece of kept) chunked.done?.(piece)
      kept = []
    }
    for await (const piece of chunked) {
      kept.push(piece)
      if (random.below(3) === 0) copyKept()
    }
    copyKept()
    assert.ok(Buffer.concat(copies).equals(body))
  }
})

test('a body that is cut anywhere before its last line is refused, copied or not', async () => {
  const body = random.bytes(3000)
  const whole = framed(body, 1500)
  const needed = whole.length - '\r\n\r\n'.length
  for (let length = 0; length < needed; length += length < needed - 60 ? 7 : 1) {
    const { source } = sourceOf(whole.subarray(0, length), 900)
    await assert.rejects(copyOf(opened(source, body.length).bytes()), `${length} bytes of it`)
  }
})

test('a body with two signatures of its trailer is refused at the second', async () => {
  const body = random.bytes(3000)
  const whole = framed(body, 1500).subarray(0, -'\r\n'.length)
  const line = `x-amz-trailer-signature:${'0'.repeat(64)}\r\n`
  const once = Buffer.concat([whole, Buffer.from(`${line}\r\n`)])
  assert.ok((await copyOf(opened(sourceOf(once, 900).source, body.length).bytes())).equals(body))
  const twice = Buffer.concat([whole, Buffer.from(`${line}${line}`)])
  const { source } = sourceOf(twice, 900)
  await assert.rejects(copyOf(opened(source, body.length).bytes()), {
    code: 'MalformedTrailerError',
  })
})

test('a line feed alone ends no head of a chunk and none of its bytes', async () => {
  const body = random.bytes(3000)
  const whole = framed(body, 1500)
  const head = whole.indexOf('\r\n')
  const end = head + 2 + 1500
  for (const at of [head, end]) {
    const cut = Buffer.concat([whole.subarray(0, at), whole.subarray(at + 1)])
    const { source } = sourceOf(cut, 900)
    const copying = copyOf(opened(source, body.length).bytes())
    await assert.rejects(copying, { code: 'IncompleteBody' }, `without a carriage return at ${at}`)
  }
})
