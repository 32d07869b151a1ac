import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseRange, rangeBytes } from './ranges.ts'

const of = (header: string, size = 1000) => parseRange(header, size, 8)
const one = (first: number, last: number) => ({ kind: 'ranges', ranges: [{ first, last }] })

test('the three forms of a single range', () => {
  assert.deepEqual(of('bytes=0-0'), one(0, 0))
  assert.deepEqual(of('bytes=10-'), one(10, 999))
  assert.deepEqual(of('bytes=-5'), one(995, 999))
  assert.deepEqual(of('bytes=-5000'), one(0, 999))
  assert.deepEqual(of('bytes=990-2000'), one(990, 999))
  assert.deepEqual(of('BYTES=1-2'), one(1, 2))
})

test('ranges outside the content and reversed ones cannot be satisfied', () => {
  for (const header of ['bytes=1000-', 'bytes=-0', 'bytes=5-2', 'bytes=99999999999999999999-']) {
    assert.equal(of(header).kind, 'unsatisfiable', header)
  }
  assert.equal(of('bytes=0-', 0).kind, 'unsatisfiable')
})

test('a header that is no byte range is ignored', () => {
  const texts = ['', 'items=0-5', 'bytes', 'bytes=', 'bytes=-', 'bytes=a-b', 'bytes=1-2;3-4']
  for (const text of [...texts, 'bytes=1--2', 'bytes=+1-2', 'bytes=0x1-2', 'bytes= -']) {
    assert.equal(of(text).kind, 'whole', text)
  }
  assert.equal(parseRange(undefined, 10, 8).kind, 'whole')
})

test('several ranges keep their order; one outside is left out', () => {
  assert.deepEqual(of('bytes=10-19, 0-4,5000-'), {
    kind: 'ranges',
    ranges: [
      { first: 10, last: 19 },
      { first: 0, last: 4 },
    ],
  })
})

test('overlapping or too many ranges bring the whole content once', () => {
  assert.equal(of('bytes=0-,0-').kind, 'whole')
  assert.equal(of('bytes=0-10,5-15').kind, 'whole')
  assert.equal(of('bytes=0-10,10-15').kind, 'whole')
  assert.equal(
    of(`bytes=${Array.from({ length: 9 }, (_, i) => `${i * 9}-${i * 9}`)}`).kind,
    'whole',
  )
  const thousand = `bytes=${Array.from({ length: 1000 }, (_, i) => `${i}-${i}`)}`
  assert.equal(of(thousand, 100_000).kind, 'whole')
})

test('a suffix of empty content is the whole empty content', () => {
  assert.equal(of('bytes=-1', 0).kind, 'whole')
})

test('whatever is asked, ranges lie inside and never add up to more than the content', () => {
  const spec = fc.tuple(fc.option(fc.nat(1200)), fc.option(fc.nat(1200)))
  const header = fc
    .array(spec, { maxLength: 10 })
    .map(specs => `bytes=${specs.map(([a, b]) => `${a ?? ''}-${b ?? ''}`).join(',')}`)
  fc.assert(
    fc.property(header, fc.nat(1000), (text, size) => {
      const answer = of(text, size)
      if (answer.kind !== 'ranges') return
      let sum = 0
      for (const range of answer.ranges) {
        assert.ok(range.first >= 0 && range.first <= range.last && range.last < size)
        sum += rangeBytes(range)
      }
      assert.ok(sum <= size)
    }),
  )
})
