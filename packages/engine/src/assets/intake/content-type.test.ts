import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Bucket, defaultBucketSettings } from '@holdfast/core/records.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { refused } from '../../test-store.test.ts'
import { requireAllowedBytes, resolveType } from './content-type.ts'
import { recognise } from './recognise.ts'

const latin = (text: string) => Buffer.from(text, 'latin1')
const padded = (text: string, size = 600) => Buffer.concat([latin(text), Buffer.alloc(size)])

const pe = Buffer.alloc(256)
pe.write('MZ', 0)
pe.writeUInt32LE(128, 0x3c)
pe.write('PE\0\0', 128, 'latin1')

const tar = Buffer.alloc(512)
tar.write('name', 0)
tar.write('ustar\0' + '00', 257, 'latin1')

const bytes = {
  png: padded('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'),
  jpeg: padded('\xff\xd8\xff\xe0\0\x10JFIF\0'),
  gif: padded('GIF89a'),
  webp: padded('RIFF\x10\0\0\0WEBPVP8 '),
  pdf: padded('%PDF-1.7\n'),
  latePdf: Buffer.concat([Buffer.alloc(500), latin('%PDF-1.4')]),
  gzip: padded('\x1f\x8b\x08\0'),
  zip: padded('PK\x03\x04\x14\0\0\0\0\0'),
  mp4: padded('\0\0\0\x18ftypisom\0\0\x02\0isomiso2'),
  flac: padded('fLaC\0\0\0\x22'),
  ogg: padded('OggS\0\x02'),
  mp3: padded('\xff\xfb\x90\x64'),
  woff2: padded('wOF2\0\x01\0\0'),
  elf: padded('\x7fELF\x02\x01\x01'),
  pe,
  tar,
  sqlite: padded('SQLite format 3\0'),
  shell: latin('#!/bin/sh\nrm -rf /\n'),
  php: latin('<?php system($_GET[0]); ?>'),
  html: latin('\n  <!DOCTYPE html><html><script>alert(1)</script>'),
  htmlUpper: latin('<SCRIPT SRC=//evil.example></SCRIPT>'),
  svg: latin('<svg xmlns="http://www.w3.org/2000/svg"><circle r="1"/></svg>'),
  svgXml: latin('<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
  text: latin('Dear reader, MZ and BM are letters.'),
  mz: latin('MZ is how this text begins, and it goes on for more than sixty-four bytes, see?'),
  json: latin('{"a": [1, 2, 3]}'),
  csv: latin('a;b;c\n1;2;3\n'),
  utf8: Buffer.from('\ufeffäöü, 日本語'),
  utf16: Buffer.from('\ufeffDear reader', 'utf16le'),
  signs: latin('BZh9 ID3 %!PS GIF89a are signatures, this is a sentence.'),
  noise: Buffer.from('0311a7ce93b1f0ee4d22c2', 'hex'),
  empty: Buffer.alloc(0),
}

type Sample = keyof typeof bytes

const accepted: [string, Sample[]][] = [
  ['image/png', ['png', 'empty']],
  ['image/jpeg', ['jpeg', 'empty']],
  ['image/gif', ['gif']],
  ['image/webp; q=1', ['webp']],
  ['IMAGE/PNG', ['png']],
  ['image/svg+xml', ['svg', 'svgXml', 'gzip', 'empty']],
  ['image/x-something-new', ['noise', 'text', 'tar', 'mp4', 'png', 'empty']],
  ['image/heic', ['mp4', 'noise']],
  ['application/pdf', ['pdf', 'latePdf', 'empty']],
  ['audio/mpeg', ['mp3', 'noise', 'mp4', 'ogg', 'empty']],
  ['audio/mp4', ['mp4']],
  ['video/mp4', ['mp4', 'noise']],
  ['video/ogg', ['ogg', 'flac']],
  ['font/woff2', ['woff2', 'noise']],
  ['text/plain', ['shell', 'php', 'html', 'htmlUpper', 'svg', 'svgXml', 'text', 'mz', 'json']],
  ['text/plain; charset=latin1', ['csv', 'utf8', 'utf16', 'signs', 'noise', 'empty']],
  ['text/html', ['html', 'text']],
  ['application/atom+xml', ['svgXml', 'utf8']],
  ['text/csv', ['csv', 'text', 'utf8', 'json']],
  ['application/json', ['json', 'text', 'csv', 'utf8']],
  ['application/zip', ['zip', 'noise', 'pe']],
  ['application/x-tar', ['tar', 'noise']],
  ['application/x-msdownload', ['pe', 'noise']],
  ['application/x-sh', ['shell']],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', ['zip', 'noise']],
  ['application/vnd.ms-excel', ['html', 'csv', 'zip', 'noise']],
  ['application/vnd.unheard-of', ['noise', 'zip', 'pe', 'html']],
  ['application/octet-stream-but-mine', ['png', 'pe']],
]

const mismatched: [string, Sample[]][] = [
  ['text/plain', ['png', 'jpeg', 'gif', 'webp', 'pdf', 'gzip', 'zip', 'mp4', 'flac', 'elf', 'pe']],
  ['text/csv', ['tar', 'png', 'ogg', 'woff2', 'sqlite']],
  ['application/json', ['png', 'zip', 'elf']],
  ['image/png', ['jpeg', 'gif', 'text', 'html', 'pe', 'pdf', 'noise', 'svg', 'shell', 'zip']],
  ['image/jpeg', ['png', 'noise', 'html', 'php']],
  ['image/gif', ['png', 'htmlUpper']],
  ['image/webp', ['png', 'noise']],
  ['image/tiff', ['png']],
  ['image/x-something-new', ['html', 'htmlUpper', 'elf', 'pe', 'shell', 'php', 'pdf', 'woff2']],
  ['image/svg+xml', ['elf', 'pe']],
  ['application/pdf', ['html', 'text', 'png', 'pe', 'noise']],
  ['audio/mpeg', ['html', 'elf', 'png', 'pdf']],
  ['video/mp4', ['html', 'pe', 'jpeg']],
  ['font/woff2', ['html', 'png', 'elf']],
  ['application/msword', ['pe', 'elf']],
]

const recognised: [Sample, string | undefined][] = [
  ['png', 'image/png'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['pdf', 'application/pdf'],
  ['gzip', 'application/gzip'],
  ['zip', 'application/zip'],
  ['mp4', 'video/mp4'],
  ['flac', 'audio/flac'],
  ['woff2', 'font/woff2'],
  ['elf', 'application/x-elf'],
  ['tar', 'application/x-tar'],
  ['sqlite', 'application/x-sqlite3'],
  ['svgXml', 'application/xml'],
  ['mp3', undefined],
  ['mz', undefined],
  ['text', undefined],
  ['json', undefined],
  ['csv', undefined],
  ['utf8', undefined],
  ['noise', undefined],
  ['empty', undefined],
]

describe('the declared content type', () => {
  for (const [type, samples] of accepted) {
    it(`${type} may hold ${samples.join(', ')}`, async () => {
      for (const sample of samples) {
        const resolved = await resolveType(type, bytes[sample])
        assert.deepEqual(resolved, { contentType: type, declared: true }, sample)
      }
    })
  }

  for (const [type, samples] of mismatched) {
    it(`${type} may not hold ${samples.join(', ')}`, async () => {
      for (const sample of samples) {
        const wrong = refused('CONTENT_TYPE_MISMATCH', { declared: type })
        await assert.rejects(resolveType(type, bytes[sample]), wrong, sample)
      }
    })
  }
})

describe('the rules of a bucket', () => {
  const cases: [string, Sample[], Sample[]][] = [
    [
      'text/plain',
      ['text', 'html', 'svg', 'svgXml', 'json', 'noise', 'empty'],
      ['png', 'pdf', 'elf'],
    ],
    ['application/json', ['json'], ['png', 'mp4', 'woff2', 'pe']],
    ['application/vnd.mine', ['zip', 'gzip', 'html', 'noise'], ['png', 'pdf', 'elf', 'pe', 'flac']],
    ['application/zip', ['zip'], ['png', 'elf']],
    ['application/x-msdownload', ['pe'], ['png']],
    ['image/heic', ['mp4'], ['pdf']],
    ['audio/mp4', ['mp4', 'mp3'], ['png']],
  ]
  for (const [type, fitting, lying] of cases) {
    it(`hold for what ${type} really is`, async () => {
      const contentTypes = [type]
      const settings = { ...defaultBucketSettings, contentTypes }
      const bucket = { settings } as unknown as Bucket
      for (const sample of fitting) await requireAllowedBytes(bucket, type, bytes[sample])
      for (const sample of lying) {
        const refusal = requireAllowedBytes(bucket, type, bytes[sample])
        await assert.rejects(refusal, refused('CONTENT_TYPE_MISMATCH', { declared: type }), sample)
      }
    })
  }

  it('do not ask where there are none', async () => {
    const bucket = { settings: defaultBucketSettings } as unknown as Bucket
    for (const head of Object.values(bytes))
      await requireAllowedBytes(bucket, 'application/x', head)
  })
})

describe('an undeclared content type', () => {
  it('is what the bytes give away', async () => {
    for (const [sample, type] of recognised) {
      for (const declared of [undefined, 'application/octet-stream', 'binary/octet-stream']) {
        const contentType = type ?? 'application/octet-stream'
        const resolved = await resolveType(declared, bytes[sample])
        assert.deepEqual(resolved, { contentType, declared: false }, sample)
      }
    }
  })

  it('stays what it was before, unless the bytes cannot be that', async () => {
    assert.equal((await resolveType(undefined, bytes.text, 'text/plain')).contentType, 'text/plain')
    const png = await resolveType(undefined, bytes.text, 'image/png')
    assert.equal(png.contentType, 'application/octet-stream')
  })

  it('is not guessed from noise', async () => {
    const random = new SeededRandom(1)
    for (let i = 0; i < 20_000; i += 1) {
      const noise = Buffer.from(random.bytes(64))
      assert.equal(await recognise(noise), undefined, noise.toString('hex'))
    }
  })
})
