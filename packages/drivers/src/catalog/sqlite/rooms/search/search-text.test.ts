import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchExpression } from './search-text.ts'

const expressionOf = (text: string) => matchExpression(text, () => undefined)

test('words are beginnings, quoted ones a phrase, and all of them are asked for', () => {
  assert.equal(expressionOf('annual  "report of" 2025'), '"annual"* AND "report of" AND "2025"*')
  assert.equal(expressionOf('img_2024-01.jpg'), '"img_2024-01.jpg"*')
  assert.equal(expressionOf('- * "" ()'), undefined)
})

test('what another term says already is not asked again', () => {
  assert.equal(expressionOf('a Ab ABC abc a "a" "a"'), '"ABC"* AND "a"')
  assert.equal(expressionOf('a '.repeat(16)), '"a"*')
  assert.equal(expressionOf('ab ba'), '"ab"* AND "ba"*')
  assert.equal(expressionOf('a.b a'), '"a.b"* AND "a"*', 'only single words are compared')
})

test('however long the text, few words are looked for', () => {
  const words = (expression: string | undefined) => expression?.match(/[a-z0-9]+/g)?.length
  const many = expressionOf('jpg.'.repeat(128))
  assert.equal(words(many), 24)
  assert.ok(many?.endsWith('.jpg"'), 'what is cut is no beginning')
  const terms = Array.from({ length: 16 }, (_, at) => `w${at}.x.y`)
  assert.equal(words(expressionOf(terms.join(' '))), 24)
  assert.equal(words(expressionOf(`"${'a b '.repeat(100)}"`)), 24)
  const path = 'a/b/2026/11/28/6f9619ff-8b86-d011-b42d-00c04fc964ff/img_0001.jpg'
  assert.equal(expressionOf(path), `"${path}"*`)
})

test('words of the index that begin with a single word are named where they are known', () => {
  const termsOf = (prefix: string) => (prefix === 'ab' ? ['ab', 'abc'] : undefined)
  assert.equal(matchExpression('ab x', termsOf), '("ab" OR "abc") AND "x"*')
  assert.equal(matchExpression('"ab"', termsOf), '"ab"')
})
