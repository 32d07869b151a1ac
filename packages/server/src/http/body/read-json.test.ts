import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import fc from 'fast-check'
import { parseJson } from './read-json.ts'

const parse = (text: string) => parseJson(Buffer.from(text))

function problemOf(text: string): string {
  try {
    parse(text)
  } catch (error) {
    assert.ok(isHoldfastError(error))
    if (error.code === 'INVALID_JSON') return error.code
    assert.equal(error.code, 'VALIDATION_ERROR')
    const [first] = error.details.errors as { problem: string }[]
    return first?.problem ?? ''
  }
  return 'taken'
}

test('a name that an object has twice is refused, however it is written', () => {
  for (const text of [
    '{"a":1,"a":2}',
    '{"a":1,"b":{"x":[{"c":1,"c":1}]}}',
    '{"a":1,"\\u0061":2}',
    '{"a\\"b":1,"a\\"b":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"a":{"b":1},"c":[1,2],"a":3}',
    '{ "a" : 1 , "a" : 1 }',
    '{"":1,"":2}',
  ]) {
    assert.match(problemOf(text), /twice/, text)
  }
})

test('the same text in other places is no name given twice', () => {
  for (const text of [
    '{"a":"a","b":"a"}',
    '[{"a":1},{"a":2}]',
    '{"a":{"a":{"a":1}},"b":{"a":1}}',
    '{"a":["a","a"],"b":"{\\"a\\":1,\\"a\\":2}"}',
    '["a","a",{"a":["b","b"]},"a"]',
    '{"a":1,"A":2,"\u00e1":3,"a\u0301":4}',
  ]) {
    assert.deepEqual(parse(text), JSON.parse(text))
  }
})

test('what is no JSON is told so, also with names given twice', () => {
  for (const text of ['{"a":1,"a"', '{"a" 1,"a":2}', '"', '{"\\', '}{', '[}', '{"a":1,"a":2}]']) {
    assert.equal(problemOf(text), 'INVALID_JSON', text)
  }
})

test('any value that JSON can say is read as it was said', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      assert.deepEqual(parse(text), JSON.parse(text))
    }),
    { numRuns: 300 },
  )
})

test('one object has at most a thousand names, whatever lies around it', () => {
  const named = (count: number) =>
    `{${Array.from({ length: count }, (_, index) => `"k${index}":1`).join(',')}}`
  assert.equal(problemOf(named(1000)), 'taken')
  assert.match(problemOf(named(1001)), /more than 1000 names/)
  assert.match(problemOf(`[{"metadata":${named(1001)}}]`), /more than 1000 names/)
})

test('49,000 distinct names are refused before anything is built from them', () => {
  let text = '{'
  for (let index = 0; index < 49_000; index += 1) text += `"name${index}":1,`
  assert.match(problemOf(`${text.slice(0, -1)}}`), /more than 1000 names/)
  // The text need not even be whole: what lies behind the bound is not read.
  assert.match(problemOf(text), /more than 1000 names/)
})
