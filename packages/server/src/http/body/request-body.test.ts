import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { PaceWatch } from './pace-watch.ts'
import { RequestBody } from './request-body.ts'

test('only memory that a chunk has for itself is let go when it was copied', () => {
  const request = new IncomingMessage(new Socket())
  const pace = new PaceWatch(systemClock, 1)
  const source = new RequestBody(request, new ServerResponse(request), pace).source()
  const read = new Uint8Array(128).fill(7)
  for (const part of [read.subarray(0, 64), read.subarray(64), read.subarray(1)]) {
    source.done?.(part)
    assert.deepEqual(read, new Uint8Array(128).fill(7))
  }
  source.done?.(read)
  assert.equal(read.byteLength, 0)
  pace.stop()
})
