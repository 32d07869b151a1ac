import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeRead, parseTags, rangeApplies, writeConditions } from './conditions.ts'

const sha = 'ab'.repeat(32)
const tag = `"${sha}"`
const shown = { sha256: sha, modifiedAt: '2026-11-21T22:31:05.678Z' }
const at = 'Sat, 21 Nov 2026 22:31:05 GMT'
const before = 'Sat, 21 Nov 2026 22:31:04 GMT'
const after = 'Sat, 21 Nov 2026 22:31:06 GMT'

test('lists of tags are read, and nothing else', () => {
  assert.equal(parseTags(' * '), '*')
  assert.deepEqual(parseTags('"a", W/"b" ,"c,d"'), [
    { weak: false, value: 'a' },
    { weak: true, value: 'b' },
    { weak: false, value: 'c,d' },
  ])
  for (const text of ['', 'abc', '"a', '"a" "b"', '"a",', 'w/"a"', '"a\tb"', '*, "a"']) {
    assert.equal(parseTags(text), undefined, JSON.stringify(text))
  }
  assert.equal(parseTags(Array.from({ length: 100 }, () => '"a"').join()), undefined)
})

test('If-Match compares strongly and comes first', () => {
  assert.equal(judgeRead({ 'if-match': tag }, shown), 'send')
  assert.equal(judgeRead({ 'if-match': '*' }, shown), 'send')
  assert.equal(judgeRead({ 'if-match': `W/${tag}` }, shown), 'failed')
  assert.equal(judgeRead({ 'if-match': '"other"', 'if-none-match': tag }, shown), 'failed')
  const both = { 'if-match': tag, 'if-unmodified-since': before }
  assert.equal(judgeRead(both, shown), 'send', 'the date is ignored beside If-Match')
})

test('If-None-Match compares weakly and outweighs the date', () => {
  assert.equal(judgeRead({ 'if-none-match': `"x", W/${tag}` }, shown), 'not-modified')
  assert.equal(judgeRead({ 'if-none-match': '*' }, shown), 'not-modified')
  assert.equal(judgeRead({ 'if-none-match': 'rubbish' }, shown), 'send')
  const both = { 'if-none-match': '"x"', 'if-modified-since': after }
  assert.equal(judgeRead(both, shown), 'send')
})

test('dates compare whole seconds', () => {
  assert.equal(judgeRead({ 'if-modified-since': at }, shown), 'not-modified')
  assert.equal(judgeRead({ 'if-modified-since': before }, shown), 'send')
  assert.equal(judgeRead({ 'if-unmodified-since': at }, shown), 'send')
  assert.equal(judgeRead({ 'if-unmodified-since': before }, shown), 'failed')
  for (const text of ['', '2027', 'tomorrow', '1e9', 'Sat']) {
    assert.equal(judgeRead({ 'if-modified-since': text }, shown), 'send', text)
    assert.equal(judgeRead({ 'if-unmodified-since': text }, shown), 'send', text)
  }
})

test('If-Range takes exactly this content only', () => {
  const later = Date.parse(shown.modifiedAt) + 2000
  assert.ok(rangeApplies(undefined, shown, later))
  const atOnce = Date.parse(shown.modifiedAt) + 1
  assert.ok(!rangeApplies(at, shown, atOnce), 'a date of this second is a weak validator')
  assert.ok(rangeApplies(tag, shown, atOnce))
  assert.ok(rangeApplies(tag, shown, later))
  assert.ok(rangeApplies(at, shown, later))
  for (const text of [`W/${tag}`, '"x"', before, after, 'rubbish']) {
    assert.ok(!rangeApplies(text, shown, later), text)
  }
})

test('conditions of changes become what the engine takes', () => {
  assert.deepEqual(writeConditions({}), {})
  assert.deepEqual(writeConditions({ 'if-match': '*' }), { ifMatch: ['*'] })
  assert.deepEqual(writeConditions({ 'if-none-match': '*' }), { ifNoneMatch: '*' })
  assert.deepEqual(writeConditions({ 'if-match': `${tag}, W/"b"` }), { ifMatch: [sha, 'W/b'] })
  assert.deepEqual(writeConditions({ 'if-match': '"*"' }), { ifMatch: ['"*"'] })
})

test('conditions of changes that cannot be read are refused', () => {
  for (const headers of [
    { 'if-match': sha },
    { 'if-none-match': '' },
    { 'if-unmodified-since': at },
  ]) {
    assert.throws(() => writeConditions(headers), { code: 'MALFORMED_REQUEST' })
  }
})
