import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchExpression } from './search-text.ts'

test('words are beginnings, quoted ones a phrase, and all of them are asked for', () => {
  assert.equal(matchExpression('annual  "report of" 2025'), '"annual"* AND "report of" AND "2025"*')
  assert.equal(matchExpression('img_2024-01.jpg'), '"img_2024-01.jpg"*')
  assert.equal(matchExpression('- * "" ()'), undefined)
})

test('what another term says already is not asked again', () => {
  assert.equal(matchExpression('a Ab ABC abc a "a" "a"'), '"ABC"* AND "a"')
  assert.equal(matchExpression('a '.repeat(16)), '"a"*')
  assert.equal(matchExpression('ab ba'), '"ab"* AND "ba"*')
  assert.equal(matchExpression('a.b a'), '"a.b"* AND "a"*', 'only single words are compared')
})

test('however long the text, few words are looked for', () => {
  const words = (expression: string | undefined) => expression?.match(/[a-z0-9]+/g)?.length
  const many = matchExpression('jpg.'.repeat(128))
  assert.equal(words(many), 24)
  assert.ok(many?.endsWith('.jpg"'), 'what is cut is no beginning')
  const terms = Array.from({ length: 16 }, (_, at) => `w${at}.x.y`)
  assert.equal(words(matchExpression(terms.join(' '))), 24)
  assert.equal(words(matchExpression(`"${'a b '.repeat(100)}"`)), 24)
  const path = 'a/b/2026/11/28/6f9619ff-8b86-d011-b42d-00c04fc964ff/img_0001.jpg'
  assert.equal(matchExpression(path), `"${path}"*`)
})
