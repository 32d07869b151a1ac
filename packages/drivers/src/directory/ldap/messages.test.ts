import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  message as messageOf,
  pageControl,
  part,
  success,
  text,
} from '@holdfast/testkit/directory/ldap-messages.ts'
import { AnswerTooLong, Messages, readMessage } from './messages.ts'

function message(...held: readonly Buffer[]): Buffer {
  return messageOf(3, ...held)
}

const attribute = part(0x30, text('uid'), part(0x31, text('ann'), text('bob')))
const entry = message(part(0x64, text('uid=ann'), part(0x30, attribute, attribute)))
const done = message(part(0x65, ...success))
const good = [
  entry,
  done,
  message(part(0x64, text(''), part(0x30))),
  message(part(0x64, text('x'), part(0x30, part(0x30, text('uid'), part(0x31))))),
  message(part(0x73, text('ldap://a/'), text('ldap://b/'))),
  message(part(0x61, ...success, part(0x87, Buffer.from('credentials')))),
  message(part(0x65, ...success, part(0xa3, text('ldap://a/')))),
  message(part(0x78, ...success, part(0x8a, Buffer.from('1.3.6.1.4.1.1466.20037')))),
]

test('what a directory says is handed on as it is', () => {
  for (const one of good) {
    const read = readMessage(one)
    assert.equal(read.bytes.subarray(6).toString('hex'), one.subarray(2).toString('hex'))
    assert.equal(read.cookie, undefined)
  }
})

test('messages are whole however they come', () => {
  const stream = Buffer.concat(good)
  const whole = good.map(one => readMessage(one))
  for (let size = 1; size <= stream.length; size += 1) {
    const messages = new Messages()
    const found = []
    for (let at = 0; at < stream.length; at += size) {
      found.push(...messages.read(stream.subarray(at, at + size)))
    }
    assert.deepEqual(found, whole, `${size} bytes at a time`)
  }
})

test('a long message that comes byte by byte is whole', () => {
  const long = message(part(0x64, text('x'.repeat(5000)), part(0x30, attribute)))
  const messages = new Messages()
  const found = [...long].flatMap(byte => [...messages.read(Buffer.from([byte]))])
  assert.deepEqual(found, [readMessage(long)])
})

test('controls are read here, and the library never sees them', () => {
  const other = part(0x30, text('1.2.3'), part(0x04, Buffer.from('no part')))
  const read = readMessage(message(part(0x65, ...success), part(0xa0, other, pageControl('next'))))
  assert.equal(read.cookie?.toString(), 'next')
  assert.deepEqual(read.bytes, readMessage(done).bytes)
  const last = readMessage(message(part(0x65, ...success), part(0xa0, pageControl(''))))
  assert.equal(last.cookie?.length, 0)
})

/** Each kept the library reading for ever, or took all the memory. */
const endless = [
  '3005020101737f',
  '30070201017302047f',
  '30050201016402',
  '300b02010173060484fffffffa',
  '300e02010278070a010004000400a07f',
]

test('a part that is longer than what holds it is none', () => {
  for (const hex of endless) {
    assert.throws(() => [...new Messages().read(Buffer.from(hex, 'hex'))], /cannot be read/, hex)
  }
  for (const one of good) {
    for (let at = 0; at < one.length; at += 1) {
      const longer = Buffer.from(one)
      longer[at] = 0x7f
      const backwards = Buffer.concat([
        one.subarray(0, at),
        Buffer.from('84fffffffa', 'hex'),
        one.subarray(at + 1),
      ])
      for (const bytes of [longer, backwards]) readOrThrow(bytes)
    }
  }
})

function readOrThrow(bytes: Buffer): void {
  try {
    for (const one of new Messages().read(bytes)) assert.ok(one.bytes.length <= bytes.length + 6)
  } catch (error) {
    assert.match(String(error), /cannot be read/)
  }
}

test('what the library would read otherwise is no message', () => {
  const evil = part(0x04, Buffer.from('300484fffffffa', 'hex'))
  const bad = [
    message(),
    message(evil),
    message(part(0x79, text('x'))),
    message(part(0x64, text('x'))),
    message(part(0x64, text('x'), evil)),
    message(part(0x64, text('x'), part(0x30, evil))),
    message(part(0x64, text('x'), part(0x30, part(0x30, text('uid'), evil)))),
    message(part(0x64, text('x'), part(0x30, part(0x30, text('uid'), part(0x31), evil)))),
    message(part(0x64, text('x'), part(0x30), evil)),
    message(part(0x73, part(0x05))),
    message(part(0x65, part(0x0a), text(''), text(''))),
    message(part(0x61, ...success, part(0xa0, evil))),
    message(part(0x65, ...success), part(0xa0, evil)),
    part(0x30, part(0x02), part(0x65, ...success)),
    part(0x04, part(0x02, Buffer.from([3])), part(0x65, ...success)),
    Buffer.from('3080020103', 'hex'),
    Buffer.from('30850000000003020103', 'hex'),
  ]
  for (const one of bad) {
    assert.throws(() => [...new Messages().read(one)], /cannot be read/, one.toString('hex'))
  }
})

test('a message of too many parts is too long', () => {
  const values = Buffer.alloc(2 * 16_384).fill('0400', 'hex')
  const many = part(0x30, text('uid'), part(0x31, values))
  assert.throws(() => readMessage(message(part(0x64, text('x'), part(0x30, many)))), AnswerTooLong)
})
