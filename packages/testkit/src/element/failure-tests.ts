import assert from 'node:assert/strict'
import { createHash, hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ExpectedDigests } from '@holdfast/core/digests.ts'
import type { ByteSource, Element, WriteOptions } from '@holdfast/core/ports/element.ts'
import { bodySource, makeBody } from '../self-describing-bodies.ts'
import { checkBody, elementTest, listed, rejectsWith, writeBody } from './element-test.ts'
import { crc32c } from './slow-crc32c.ts'
import type { ElementUnderTest, OpenElement } from './under-test.ts'

const big = 2 * 1024 * 1024
const sizes = [100, 70_000, big]

export function failureTests(open: OpenElement): void {
  elementTest(open, 'E7 a source that fails leaves nothing', async (element, under) => {
    for (const size of sizes) {
      const reason = new Error('the client went away')
      await assert.rejects(element.write(failing(size, reason), {}), reason)
    }
    await checkEmpty(element, under)
  })
  elementTest(open, 'E7 an aborted write leaves nothing', async (element, under) => {
    for (const size of sizes) {
      const stop = new AbortController()
      const reason = new Error('aborted by the test')
      const source = aborting(size, () => stop.abort(reason))
      await assert.rejects(element.write(source, { signal: stop.signal }), reason)
    }
    const { signal } = AbortSignal.abort() && { signal: AbortSignal.abort() }
    await assert.rejects(element.write(bodySource(1, 10), { signal }), { name: 'AbortError' })
    await checkEmpty(element, under)
  })
  elementTest(open, 'E9 a digest that differs refuses the write', async (element, under) => {
    for (const size of sizes) {
      const right = digestsOf(makeBody(1, size))
      for (const [name, value] of Object.entries(right)) {
        const expected = { [name]: flipped(value) }
        await rejectsWith(element.write(bodySource(1, size), { expected }), 'DIGEST_MISMATCH')
        const oneWrong = { ...right, [name]: flipped(value) }
        const write = element.write(bodySource(1, size), { expected: oneWrong })
        await rejectsWith(write, 'DIGEST_MISMATCH')
      }
    }
    await checkEmpty(element, under)
  })
  elementTest(open, 'E9 digests that match are taken', async element => {
    for (const size of [0, ...sizes]) {
      const expected = digestsOf(makeBody(1, size))
      const blob = await writeBody(element, { operation: 1, size }, { expected, length: size })
      await checkBody(element, blob, { operation: 1 })
      for (const [name, value] of Object.entries(expected)) {
        await writeBody(element, { operation: 1, size }, { expected: { [name]: value } })
      }
    }
  })
  limitTests(open)
}

function limitTests(open: OpenElement): void {
  elementTest(open, 'E9 a length that differs refuses the write', async (element, under) => {
    for (const size of sizes) {
      const write = (options: WriteOptions) => element.write(bodySource(1, size), options)
      await rejectsWith(write({ length: size + 1 }), 'BODY_INCOMPLETE', 'LENGTH_MISMATCH')
      await rejectsWith(write({ length: size - 1 }), 'LENGTH_MISMATCH')
      await rejectsWith(write({ length: 0 }), 'LENGTH_MISMATCH')
    }
    await checkEmpty(element, under)
  })
  elementTest(open, 'E9 a body beyond its limit is refused early', async (element, under) => {
    for (const size of sizes) {
      const endless = countedSource()
      await rejectsWith(element.write(endless.source, { sizeMax: size }), 'BODY_TOO_LARGE')
      assert.ok(endless.sent() <= size + 2 * 65_536, `${endless.sent()} bytes taken`)
      assert.ok(endless.closed(), 'the source was told to stop')
      await writeBody(element, { operation: 1, size }, { sizeMax: size }).then(blob =>
        element.remove(blob.location),
      )
    }
    await rejectsWith(
      element.write(bodySource(1, 10), { length: 1000, sizeMax: 999 }),
      'BODY_TOO_LARGE',
    )
    await checkEmpty(element, under)
  })
}

async function checkEmpty(element: Element, under: ElementUnderTest): Promise<void> {
  assert.deepEqual(await listed(element), [])
  const again = under.reopen === undefined ? element : await under.reopen()
  assert.deepEqual(await listed(again), [])
  assert.deepEqual((await under.strays?.()) ?? [], [])
}

async function* failing(size: number, reason: Error): ByteSource {
  yield makeBody(1, size)
  await undefined
  throw reason
}

async function* aborting(size: number, abort: () => void): ByteSource {
  yield makeBody(1, size)
  await undefined
  abort()
  yield makeBody(2, 10)
}

function countedSource(): { source: ByteSource; sent(): number; closed(): boolean } {
  let bytes = 0
  let closed = false
  async function* source() {
    try {
      for (;;) {
        await undefined
        bytes += 65_536
        yield new Uint8Array(65_536)
      }
    } finally {
      closed = true
    }
  }
  return { source: source(), sent: () => bytes, closed: () => closed }
}

function digestsOf(body: Uint8Array): Required<Omit<ExpectedDigests, 'crc64nvme'>> {
  return {
    sha256: hash('sha256', body),
    md5: hash('md5', body),
    sha1: hash('sha1', body),
    sha512: createHash('sha512').update(body).digest('hex'),
    crc32: crc32(body).toString(16).padStart(8, '0'),
    crc32c: crc32c(body).toString(16).padStart(8, '0'),
  }
}

function flipped(hex: string): string {
  return (hex.startsWith('0') ? '1' : '0') + hex.slice(1)
}
