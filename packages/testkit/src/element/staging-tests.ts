import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import type { ByteSource, Staging } from '@holdfast/core/ports/element.ts'
import { bodyProblem, bodySource, makeBody } from '../self-describing-bodies.ts'
import { edgeSizes, elementTest, listed, rejectsWith } from './element-test.ts'
import type { ElementUnderTest, OpenElement } from './under-test.ts'

export function stagingTests(open: OpenElement): void {
  stagingTest(open, 'staged bytes are whole, hashed and not visible', async (staging, under) => {
    for (const size of edgeSizes) {
      const staged = await staging.stage(bodySource(5, size, 10_000), { md5: true, length: size })
      const body = makeBody(5, size)
      assert.equal(staged.size, size)
      assert.equal(staged.sha256, hash('sha256', body))
      assert.equal(staged.md5, hash('md5', body))
      assert.equal(staged.sums.length, 4 * Math.ceil(size / staged.blockBytes))
      assert.notEqual(staged.body === null, staged.temp === null, 'in memory or in a temp file')
      if (staged.body !== null) {
        assert.equal(bodyProblem(staged.body, { operation: 5, length: size }), undefined)
      }
      assert.ok(staged.head.length >= Math.min(size, 4096), `${staged.head.length} bytes of head`)
      assert.equal(Buffer.compare(staged.head, body.subarray(0, staged.head.length)), 0)
      assert.deepEqual(await listed(under.element), [])
      await staged.discard()
      await staged.discard()
    }
    assert.deepEqual((await under.strays?.()) ?? [], [])
  })
  stagingTest(open, 'E9 staging enforces digests and limits', async (staging, under) => {
    for (const size of [100, 2 * 1024 * 1024]) {
      const stage = (options: object) => staging.stage(bodySource(1, size), options)
      await rejectsWith(stage({ expected: { sha256: '0'.repeat(64) } }), 'DIGEST_MISMATCH')
      await rejectsWith(stage({ expected: { md5: '0'.repeat(32) } }), 'DIGEST_MISMATCH')
      await rejectsWith(stage({ length: size + 1 }), 'BODY_INCOMPLETE', 'LENGTH_MISMATCH')
      await rejectsWith(stage({ length: size - 1 }), 'LENGTH_MISMATCH')
      await rejectsWith(stage({ sizeMax: size - 1 }), 'BODY_TOO_LARGE')
    }
    assert.deepEqual((await under.strays?.()) ?? [], [])
  })
  stagingTest(open, 'bytes that are all there are staged as those that come', async staging => {
    for (const size of edgeSizes) {
      const [body, options] = [makeBody(5, size), { md5: true, length: size }]
      const { discard, ...whole } = staging.stageWhole?.(body, options) ?? {}
      if (discard === undefined) continue
      const { discard: drop, ...come } = await staging.stage(bodySource(5, size, 10_000), options)
      assert.deepEqual(plain(whole), plain(come))
      if (size === 0) continue
      for (const wrong of [
        { length: size + 1 },
        { length: size - 1 },
        { sizeMax: size - 1 },
        { sizeMax: size, length: size + 1 },
        { expected: { sha256: '0'.repeat(64) } },
        { expected: { md5: '0'.repeat(32) } },
        { signal: AbortSignal.abort(new Error('gone')) },
      ]) {
        const refusal = await staging.stage(bodySource(5, size), wrong).then(() => 'none', String)
        assert.throws(
          () => staging.stageWhole?.(body, wrong),
          error => String(error) === refusal,
        )
      }
      await discard()
      await drop()
    }
  })
  stagingTest(open, 'E7 failed and aborted staging leaves nothing', async (staging, under) => {
    for (const size of [100, 2 * 1024 * 1024]) {
      const reason = new Error('gone')
      await assert.rejects(staging.stage(failing(size, reason), {}), reason)
      const stop = AbortSignal.abort(reason)
      await assert.rejects(staging.stage(bodySource(1, size), { signal: stop }), reason)
    }
    assert.deepEqual(await listed(under.element), [])
    assert.deepEqual((await under.strays?.()) ?? [], [])
  })
  stagingTest(open, 'many bodies are staged at once without mixing', async staging => {
    const one = async (operation: number) => {
      const size = operation % 5 === 0 ? 600_000 : 5000
      const staged = await staging.stage(bodySource(operation, size, 999), {})
      assert.equal(staged.sha256, hash('sha256', makeBody(operation, size)))
      await staged.discard()
    }
    await Promise.all(Array.from({ length: 50 }, (_, operation) => one(operation)))
  })
  stagingTest(
    open,
    'what was staged and never kept is swept at the next open',
    async (_, under) => {
      if (under.reopen === undefined || under.element.staging === undefined) return
      for (const size of [100, 2 * 1024 * 1024]) {
        await under.element.staging.stage(bodySource(1, size), {})
      }
      const again = await under.reopen()
      assert.deepEqual(await listed(again), [])
      assert.deepEqual((await under.strays?.()) ?? [], [])
    },
  )
}

/** Elements without staging have nothing to show here. */
function stagingTest(
  open: OpenElement,
  name: string,
  body: (staging: Staging, under: ElementUnderTest) => Promise<void>,
): void {
  elementTest(open, `staging: ${name}`, async (element, under) => {
    if (element.staging !== undefined) await body(element.staging, under)
  })
}

async function* failing(size: number, reason: Error): ByteSource {
  yield makeBody(1, size)
  await undefined
  throw reason
}

/** A Buffer is as good as any other bytes. */
function plain(facts: object): object {
  const bytes = (value: unknown) => (value instanceof Uint8Array ? Buffer.from(value) : value)
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, bytes(value)]))
}
