import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyProblem, bodySource, describeBytes, makeBody } from './self-describing-bodies.ts'

test('a body is the same every time, and another one for another operation', () => {
  assert.deepEqual(makeBody(5, 5000), makeBody(5, 5000))
  assert.notDeepEqual(makeBody(5, 5000), makeBody(6, 5000))
  for (const length of [0, 1, 15, 16, 511, 512, 513, 100_000]) {
    const body = makeBody(9, length)
    assert.equal(body.length, length)
    assert.equal(bodyProblem(body, { operation: 9, length }), undefined)
  }
})

test('a stream gives the same bytes', async () => {
  const chunks: Uint8Array[] = []
  for await (const chunk of bodySource(3, 10_001, 1000)) chunks.push(chunk)
  assert.equal(chunks.length, 11)
  assert.equal(bodyProblem(Buffer.concat(chunks), { operation: 3, length: 10_001 }), undefined)
})

test('ranges are checked as parts of their body', () => {
  const part = makeBody(4, 3000).subarray(700, 1900)
  assert.equal(
    bodyProblem(part, { operation: 4, length: 3000, first: 700, count: 1200 }),
    undefined,
  )
  assert.match(String(bodyProblem(part, { operation: 4, length: 3000, first: 701 })), /at 0/)
})

test('a wrong body is named', () => {
  const a = makeBody(1, 2048)
  const b = makeBody(2, 2048)
  const mixed = Uint8Array.from(a)
  mixed.set(b.subarray(1024, 1536), 1024)
  assert.equal(
    describeBytes(mixed),
    'operation 1 blocks 0-1 of 2048 bytes; operation 2 block 2 of 2048 bytes; ' +
      'operation 1 block 3 of 2048 bytes',
  )
  const holed = Uint8Array.from(a).fill(0, 512, 1536)
  assert.equal(
    describeBytes(holed),
    'operation 1 block 0 of 2048 bytes; 1024 zeros; operation 1 block 3 of 2048 bytes',
  )
  const shifted = Buffer.concat([new Uint8Array(100).fill(7), a])
  assert.equal(describeBytes(shifted), '100 unknown bytes; operation 1 blocks 0-3 of 2048 bytes')
  const flipped = Uint8Array.from(a)
  flipped[600]! ^= 1
  assert.match(describeBytes(flipped), /block 1 of 2048 bytes, damaged/)
  assert.match(
    String(bodyProblem(flipped, { operation: 1, length: 2048 })),
    /first difference at 600/,
  )
  assert.match(
    String(bodyProblem(a.subarray(0, 2000), { operation: 1, length: 2048 })),
    /2000 bytes/,
  )
  assert.equal(describeBytes(new Uint8Array(0)), 'nothing')
})
