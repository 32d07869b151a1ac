import assert from 'node:assert/strict'
import test from 'node:test'
import { safeName } from './safe-name.ts'

test('ordinary names stay as they are', () => {
  for (const name of [
    'a',
    'a.txt',
    '...',
    '..a',
    '-rf',
    ' a ',
    'ключ',
    '🦭.png',
    'C:\\x',
    'con',
    '%2E',
  ]) {
    assert.equal(safeName(name, false), name)
  }
})

test('names that mean another place are written out', () => {
  assert.equal(safeName('', false), '%')
  assert.equal(safeName('.', false), '%2E')
  assert.equal(safeName('..', false), '%2E%2E')
  assert.equal(safeName('a\0b', false), 'a%00b')
  assert.equal(safeName('a/b', false), 'a%2Fb')
})

test('for Windows, devices, drives, streams and trimmed ends are written out as well', () => {
  const cases: [string, string][] = [
    ['C:\\x', 'C%3A%5Cx'],
    ['a:b', 'a%3Ab'],
    ['..\\..\\x', '..%5C..%5Cx'],
    ['con', '%con'],
    ['NUL.txt', '%NUL.txt'],
    ['com1', '%com1'],
    ['console', 'console'],
    ['a.', 'a%2E'],
    ['a ', 'a%20'],
    ['a?*|<>"', 'a%3F%2A%7C%3C%3E%22'],
    ['a\nb', 'a%0Ab'],
  ]
  for (const [name, expected] of cases) assert.equal(safeName(name, true), expected)
})

test('names that no file system holds are cut, keep their end and stay apart', () => {
  const long = `${'ж'.repeat(400)}.jpeg`
  const one = safeName(`a${long}`, false)
  const other = safeName(`a${'ж'.repeat(401)}.jpeg`, false)
  for (const name of [one, other]) {
    assert.ok(Buffer.byteLength(name) <= 255, `${Buffer.byteLength(name)} bytes`)
    assert.match(name, /~[0-9a-f]{8}\.jpeg$/)
    assert.ok(!name.includes('\ufffd'))
  }
  assert.notEqual(one, other)
  assert.equal(safeName('x'.repeat(255), false), 'x'.repeat(255))
  assert.ok(Buffer.byteLength(safeName('🦭'.repeat(300), false)) <= 255)
})
