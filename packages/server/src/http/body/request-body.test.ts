import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { PaceWatch } from './pace-watch.ts'
import { RequestBody } from './request-body.ts'

/** A request whose body is here. */
function receivedBody(text: string) {
  const request = new IncomingMessage(new Socket())
  request.headers['content-length'] = String(text.length)
  request.push(text)
  request.complete = true
  request.push(null)
  const pace = new PaceWatch(systemClock, 1)
  return new RequestBody(request, new ServerResponse(request), pace)
}

test('who sent a body is asked for before its reader hears of the end', async () => {
  const body = receivedBody('late')
  const heard: string[] = []
  body.whenRead = async () => {
    heard.push('asked')
  }
  for await (const chunk of body.source()) heard.push(String(chunk))
  heard.push('end')
  assert.deepEqual(heard, ['late', 'asked', 'end'])
})

test('a reader that wants no more does not get around that', async () => {
  const body = receivedBody('late')
  body.whenRead = () => Promise.reject(new HoldfastError('UNAUTHENTICATED'))
  const readSome = async () => {
    for await (const chunk of body.source()) if (chunk.length > 0) break
  }
  await assert.rejects(readSome(), { code: 'UNAUTHENTICATED' })
})

/** Chunks of a request whose client leaves after the first was read. */
async function readAfterReset(chunks: readonly string[], isComplete: boolean): Promise<string[]> {
  const request = new IncomingMessage(new Socket())
  request.headers['transfer-encoding'] = 'chunked'
  const pace = new PaceWatch(systemClock, 1)
  const source = new RequestBody(request, new ServerResponse(request), pace).source()
  request.push(chunks[0])
  const read = [String((await source.next()).value)]
  // The rest comes while its reader is busy with the first chunk.
  for (const chunk of chunks.slice(1)) request.push(chunk)
  request.complete = isComplete
  if (isComplete) request.push(null)
  request.destroy(new Error('aborted'))
  await new Promise(resolve => request.once('close', resolve))
  const readRest = async () => {
    for await (const chunk of source) read.push(String(chunk))
  }
  try {
    await Promise.race([readRest(), pastManyTurns()])
    return read
  } finally {
    pace.stop()
  }
}

/** Nothing of it comes from outside: what takes so many turns of the event loop waits for ever. */
async function pastManyTurns(): Promise<never> {
  for (let turn = 0; turn < 1000; turn += 1) await new Promise(setImmediate)
  throw new Error('waits for ever')
}

test('a body that was here when its client left is whole, and is read to its end', async () => {
  const read = await readAfterReset(['first, ', 'second, ', 'third'], true)
  assert.equal(read.join(''), 'first, second, third')
  assert.deepEqual(await readAfterReset(['all of it'], true), ['all of it'])
})

test('a body that was not is told so', async () => {
  await assert.rejects(readAfterReset(['first', 'half'], false), { code: 'BODY_INCOMPLETE' })
  await assert.rejects(readAfterReset(['first'], false), { code: 'BODY_INCOMPLETE' })
})

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
