import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeaderNames } from '../../parse/header-names.ts'
import { type Besides, QuickFields } from './quick-fields.ts'

interface Read {
  readonly raw: readonly string[]
  readonly names: HeaderNames
  readonly besides: Besides | undefined
}

function open(): QuickFields<Read> {
  return new QuickFields((raw, names, besides) => ({ raw, names, besides }))
}

function text(...lines: string[]): string {
  return lines.map(line => `${line}\r\n`).join('')
}

const many = (count: number) => Array.from({ length: count }, (_, at) => `N${at}: ${at}`)

test('names are the same object as long as a client sends the same ones', () => {
  const fields = open()
  const first = fields.read(text('Host: a', 'X-B: 1'))?.headers
  const second = fields.read(text('host: a', 'x-b:  2 '))?.headers
  assert.deepEqual(first?.raw, ['host', 'a', 'x-b', '1'])
  assert.deepEqual(second?.raw, ['host', 'a', 'x-b', '2'])
  assert.ok(first !== undefined && first.names === second?.names)
})

const one = '0123456789abcdef'.repeat(4)
const other = 'fedcba9876543210'.repeat(4)

test('lines besides the signature are one object as long as nothing else changes', () => {
  const besidesOf = (...heads: string[]) => {
    const fields = open()
    return heads.map(head => fields.read(head)?.headers.besides)
  }
  const signed = (signature: string, host = 'a') => {
    return text(`Host: ${host}`, `Authorization: X Signature=${signature}`, 'X-B: 1')
  }
  const [first, second, third] = besidesOf(signed(one), signed(other), signed(one))
  assert.ok(first !== undefined && first === second && first === third)
  const [before, changed, back] = besidesOf(signed(one), signed(one, 'b'), signed(one))
  assert.ok(before !== changed && changed !== back && before !== back)
  // Upper case, too short, none, with something behind it, twice.
  const twice = text(`Authorization: X ${one}`, `authorization: X ${one}`)
  const others = [signed(one.toUpperCase()), signed(one.slice(1)), text('Host: a'), twice]
  const behind = text(`Authorization: X ${one} `)
  const expected = [undefined, undefined, undefined, undefined, undefined]
  const found = [...others, behind].flatMap(head => besidesOf(head))
  // What is longer than 64 digits ends in a signature, too; whoever reads it, judges the rest.
  assert.deepEqual(found, expected)
})

test('whatever came before on a connection, a head is read as on a new one', () => {
  const heads = [
    text(),
    text('Host: a'),
    text('Host: b'),
    text('Host: a', 'X-B: 1'),
    text('Host: a', 'X-C: 1'),
    text('X-B: 1', 'Host: a'),
    text('Host: a', 'X-B: 1', 'X-B: 2'),
    text('Host: a', 'X-B: 1', 'traceparent: x'),
    text('Host: a', 'traceparent: x', 'Traceparent: y'),
    text('Host: a', 'broken'),
    text('Host: a', 'X-B : 1'),
    text('Host: a', 'X-B: \x7f'),
    ...[one, other, `${one.slice(1)}G`, `${other}0`].flatMap(end => [
      text('Host: a', `Authorization: X Signature=${end}`),
      text('Host: b', `Authorization: X Signature=${end}`),
      text(`Authorization: ${end}`, 'X-B: 1'),
      text(`Authorization: X ${end} `, 'X-B: 1'),
      text(`Authorization: X ${end}`, `Authorization: X ${one}`),
      text('traceparent: x', `Authorization: X ${end}`),
    ]),
    text('Connection: keep-alive', 'Host: a'),
    text('Connection: close', 'Host: a'),
    text(...many(15)),
    text(...many(16)),
    text(...many(17)),
    text(...many(18)),
    text(...many(16), 'Other: 1'),
    text(...many(17), 'Other: 1'),
  ]
  const facts = (fields: QuickFields<Read>, head: string) => {
    const read = fields.read(head)
    const { raw, names } = read?.headers ?? {}
    const all = [...(names?.all() ?? [])]
    const places = all.map(name => [name, names?.placesOf(name)])
    return { raw, places, count: names?.count, traceparent: read?.traceparent }
  }
  for (const first of heads) {
    for (const second of heads) {
      for (const third of heads) {
        const used = open()
        used.read(first)
        used.read(second)
        assert.deepEqual(facts(used, third), facts(open(), third), `${first}${second}${third}`)
      }
    }
  }
})
