import assert from 'node:assert/strict'
import { test } from 'node:test'
import { traceOf } from './trace.ts'

const random = { bytes: (count: number) => new Uint8Array(count).fill(0xab) }
const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = '00f067aa0ba902b7'

test('a trace is continued', () => {
  const found = traceOf(`00-${trace}-${parent}-01`, random)
  assert.deepEqual(found, { traceId: trace, spanId: 'ab'.repeat(8), parentId: parent })
  assert.equal(traceOf(`cc-${trace}-${parent}-01-more`, random).traceId, trace)
})

test('anything else begins one', () => {
  for (const header of [
    undefined,
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-${parent}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `ff-${trace}-${parent}-01`,
    `00-${trace}-${parent}-01-more`,
    `00-${trace.toUpperCase()}-${parent}-01`,
  ]) {
    const found = traceOf(header, random)
    assert.equal(found.traceId, 'ab'.repeat(16), header)
    assert.equal(found.parentId, undefined, header)
  }
})
