import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { nodeDisk } from '../disk/node-disk.ts'
import { cryptoRandom } from '../random/crypto-random.ts'
import { stageBytes } from './disk/stage.ts'

const KiB = 1024

async function bodyOf(...pieces: Uint8Array[]): Promise<Uint8Array> {
  async function* source() {
    yield* pieces
  }
  const openSink = () => assert.fail('a small body')
  const options = { disk: nodeDisk, dir: '/nowhere', random: cryptoRandom, openSink }
  const bytes: ByteSource = source()
  const { body } = await stageBytes({ ...options, packedBytesMax: 256 * KiB }, bytes, {})
  assert.ok(body !== null)
  return body
}

test('a small body in memory keeps little else there', async () => {
  const received = Buffer.allocUnsafeSlow(64 * KiB).fill('x')
  const small = await bodyOf(received.subarray(100, 101))
  assert.deepEqual([...small], [120])
  assert.ok(small.buffer.byteLength < KiB, String(small.buffer.byteLength))
  const half = received.subarray(0, 40 * KiB)
  assert.equal(await bodyOf(half), half, 'most of what it keeps is its own')
})
