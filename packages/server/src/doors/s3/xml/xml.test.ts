import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { childrenOf, readXml, textOf } from './read.ts'
import { writeXml } from './write.ts'

const read = (text: string) => readXml(Buffer.from(text), 'a')
const refused = { name: 'S3Error', code: 'MalformedXML' }

test('texts come as they were sent: no numbers, no trimming', () => {
  const root = read(
    '<a><Key>007</Key><Key>1e5</Key><Key> a </Key><Key/><Key><![CDATA[<x>]]></Key></a>',
  )
  const texts = childrenOf(root, 'Key').map(key => key.text)
  assert.deepEqual(texts, ['007', '1e5', ' a ', '', '<x>'])
  assert.equal(textOf(read('<a><b>&lt;&#x1F600;&amp;</b></a>'), 'b'), '<😀&')
})

test('namespaces and prefixes do not matter', () => {
  assert.equal(textOf(read('<s:a xmlns:s="urn:x"><s:b>1</s:b></s:a>'), 'b'), '1')
})

test('what is not plain XML of this document is refused at once', () => {
  const bad = [
    '',
    'a',
    '<b/>',
    '<a>',
    '<a></b>',
    '<a/><a/>',
    '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    '<a>&unknown;</a>',
    '<a>&#0;</a>',
    `<a>${'<b>'.repeat(20_000)}${'</b>'.repeat(20_000)}</a>`,
    `<a>${'<b/>'.repeat(200_000)}</a>`,
    `<a>${'x'.repeat(3_000_000)}</a>`,
    `<a ${Array.from({ length: 100 }, (_, at) => `x${at}="1"`).join(' ')}/>`,
  ]
  for (const text of bad) {
    const before = performance.now()
    assert.throws(() => read(text), refused, text.slice(0, 60))
    assert.ok(performance.now() - before < 3000, text.slice(0, 60))
  }
  const utf16 = Buffer.from('\ufeff<a/>', 'utf16le')
  assert.throws(() => readXml(utf16, 'a'), refused)
  assert.throws(() => readXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff]), 'a'), refused)
  assert.throws(() => textOf(read('<a><b>1</b><b>2</b></a>'), 'b'), refused)
})

test('whatever text is written is read back, where XML can hold it', () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 })
  fc.assert(
    fc.property(text, value => {
      const xml = writeXml('a', [['b', value]])
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are the point
      const isLater = /[\u0001-\u0008\u000b\u000c\u000e-\u001f]/.test(value)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is the point
      if (/[\u0000\ufffe\uffff]/.test(value) || (isLater && value.includes('\u2028'))) {
        assert.throws(() => read(xml), refused)
      } else assert.equal(textOf(read(xml), 'b'), value)
    }),
    { numRuns: 500 },
  )
})

test('control characters are read as references and in no other way', () => {
  const key = (inner: string) => textOf(read(`<a><b>${inner}</b></a>`), 'b')
  assert.equal(key('x&#7;&#x1f;&#x0B;&#012;y'), 'x\u0007\u001f\u000b\fy')
  // A reference is none in character data that is taken as it stands.
  assert.equal(key('&#x7;<![CDATA[&#x7;]]>'), '\u0007&#x7;')
  const bad = ['\u0007', '&#x7;\u0007', '&#0;', '&#x0;', '&#7;&#0;', '&#7;\u2028', '&#7;\u0085']
  for (const inner of [...bad, '&#x7', '&#xfffe;', '&#x110000;', '&#7;&unknown;']) {
    assert.throws(() => key(inner), refused, JSON.stringify(inner))
  }
  const entity = '<!DOCTYPE a [<!ENTITY x "&#7;">]><a>&#7;&x;</a>'
  assert.throws(() => read(entity), refused)
})

test('no text breaks out of its element', () => {
  const xml = writeXml('a', [['b', '</b><c>"\'&\r\n\u0001']])
  assert.match(xml, /<b>&lt;\/b&gt;&lt;c&gt;&quot;&apos;&amp;&#xD;&#xA;&#x1;<\/b>/)
})

test('mutated documents are read or refused, and never hang', () => {
  const seed =
    '<?xml version="1.0"?><a xmlns="urn:x"><Object><Key>k</Key><VersionId>v</VersionId></Object>' +
    '<Quiet>true</Quiet><!-- c --><![CDATA[d]]></a>'
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(seed.length), fc.string({ maxLength: 4 })), { maxLength: 6 }),
      edits => {
        let text = seed
        for (const [place, insert] of edits) {
          text = text.slice(0, place) + insert + text.slice(place + (insert.length % 3))
        }
        try {
          read(text)
        } catch (error) {
          assert.equal(error instanceof Error && error.name, 'S3Error')
        }
      },
    ),
    { numRuns: 3000 },
  )
})
