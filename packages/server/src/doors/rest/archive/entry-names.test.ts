import assert from 'node:assert/strict'
import { posix, win32 } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { EntryNames } from './entry-names.ts'

test('good names stay', () => {
  const names = new EntryNames()
  assert.equal(names.add('photos/cliff 1.jpg'), 'photos/cliff 1.jpg')
  assert.equal(names.add('日本.txt'), '日本.txt')
})

test('names that would leave the folder are disarmed', () => {
  const names = new EntryNames()
  assert.equal(names.add('../../etc/passwd'), '__/__/etc/passwd')
  assert.equal(names.add('/etc/shadow'), 'etc/shadow')
  assert.equal(names.add('C:\\windows\\x.dll'), 'C_/windows/x.dll')
  assert.equal(names.add('...'), '___')
  assert.equal(names.add('nul.txt'), '_nul.txt')
  assert.equal(names.add('//'), 'unnamed')
})

test('equal names are told apart, also where case does not count', () => {
  const names = new EntryNames()
  const added = ['a.tar.gz', 'A.TAR.gz', 'a.tar.gz', '.x', '.x', 'd.d/f', 'd.d/f']
  assert.deepEqual(
    added.map(name => names.add(name)),
    ['a.tar.gz', 'A.TAR (2).gz', 'a.tar (3).gz', '.x', '.x (2)', 'd.d/f', 'd.d/f (2)'],
  )
})

test('whatever the names, entries are unique and stay inside', () => {
  const unit = fc.constantFrom('.', '/', '\\', 'a', 'B', ':', '\0', ' ', '\u202e', '~')
  fc.assert(
    fc.property(fc.array(fc.string({ unit, maxLength: 12 }), { maxLength: 20 }), given => {
      const names = new EntryNames()
      const entries = given.map(name => names.add(name))
      assert.equal(new Set(entries.map(entry => entry.toLowerCase())).size, given.length)
      for (const entry of entries) {
        for (const path of [posix, win32]) {
          assert.ok(!path.isAbsolute(entry), entry)
          assert.notEqual(path.normalize(entry).split(/[\\/]/)[0], '..', entry)
        }
      }
    }),
  )
})
