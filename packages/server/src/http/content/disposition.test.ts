import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { disposition, showable } from './disposition.ts'

test('plain names stand as they are', () => {
  assert.equal(disposition('attachment', 'a b.txt'), 'attachment; filename="a b.txt"')
})

test('other names come in both forms', () => {
  assert.equal(
    disposition('inline', 'Übersicht "5%".pdf'),
    `inline; filename="_bersicht _5__.pdf"; filename*=UTF-8''%C3%9Cbersicht%20%225%25%22.pdf`,
  )
  assert.match(disposition('attachment', "it's(1)*.txt€"), /it%27s%281%29%2A\.txt%E2%82%AC$/)
})

test('paths and characters that turn the reading direction are disarmed', () => {
  const header = disposition('attachment', '../../etc/\u202egpj.exe')
  assert.ok(!header.includes('/etc') && !header.includes('%2F') && !header.includes('%E2%80%AE'))
})

test('every name gives one line of printable ASCII whose extended form is the name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), name => {
      const header = disposition('attachment', name)
      assert.match(header, /^[\x20-\x7e]*$/)
      assert.match(
        header,
        /^attachment; filename="[^"\\]*"(; filename\*=UTF-8''[\w!#$&+.^`|~%-]*)?$/,
      )
      const extended = header.split("UTF-8''")[1]
      if (extended === undefined) return
      assert.equal(decodeURIComponent(extended).length, name.toWellFormed().length)
    }),
  )
})

test('types that can run scripts are never shown', () => {
  const types = ['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/javascript']
  for (const type of [...types, 'application/pdf', 'text/xml', 'application/xml', 'text/x-foo']) {
    assert.ok(!showable(type), type)
  }
  for (const type of ['image/png', 'text/plain', 'video/mp4', 'application/octet-stream']) {
    assert.ok(showable(type), type)
  }
})
