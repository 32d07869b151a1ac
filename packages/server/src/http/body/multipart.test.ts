import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import { lendingSource } from '@holdfast/testkit/lending-source.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import fc from 'fast-check'
import { boundaryOf, formParts } from './multipart.ts'

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

interface Read {
  name: string
  filename: string | undefined
  contentType: string | undefined
  text: string
}

async function readAll(text: string | Buffer, size = 7, partsMax = 100): Promise<Read[]> {
  const parts: Read[] = []
  const source = cut(Buffer.from(text), size)
  for await (const part of formParts(source, 'XX', { partsMax })) {
    const chunks: Uint8Array[] = []
    for await (const chunk of part.body) chunks.push(chunk)
    const { name, filename, contentType } = part
    parts.push({ name, filename, contentType, text: Buffer.concat(chunks).toString('latin1') })
  }
  return parts
}

const part = (headers: string, body: string) => `--XX\r\n${headers}\r\n\r\n${body}\r\n`
const named = (name: string, body: string) =>
  part(`Content-Disposition: form-data; name="${name}"`, body)

test('parts come in order with names, types and bytes, however the body is cut', async () => {
  const form =
    named('a', 'one') +
    part(
      'content-disposition: form-data; name="file"; filename="x y.txt"\r\nContent-Type: text/plain',
      '\r\n--X\r\n--XY not the end\r\n',
    ) +
    named('empty', '') +
    '--XX--\r\nepilogue'
  for (let size = 1; size < 60; size += 1) {
    const parts = await readAll(form, size)
    assert.deepEqual(
      parts.map(({ name, filename, text }) => [name, filename, text]),
      [
        ['a', undefined, 'one'],
        ['file', 'x y.txt', '\r\n--X\r\n--XY not the end\r\n'],
        ['empty', undefined, ''],
      ],
      `cut at ${size}`,
    )
    assert.equal(parts[1]?.contentType, 'text/plain')
  }
})

test('any bytes come through unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 97 }),
      async (bodies, size) => {
        const chunks = bodies.flatMap((body, index) => [
          Buffer.from(`--XX\r\nContent-Disposition: form-data; name="f${index}"\r\n\r\n`),
          Buffer.from(body),
          Buffer.from('\r\n'),
        ])
        const parts = await readAll(Buffer.concat([...chunks, Buffer.from('--XX--')]), size)
        assert.deepEqual(
          parts.map(({ text }) => text),
          bodies.map(body => Buffer.from(body).toString('latin1')),
        )
      },
    ),
    { numRuns: 200 },
  )
})

test('memory of the source goes back when what it held of a file was copied', async () => {
  const random = new SeededRandom(7)
  for (let round = 0; round < 100; round += 1) {
    const file = Buffer.from(random.bytes(200_000 + random.below(100_000)))
    // What looks like the beginning of a boundary, and is none.
    for (let count = 0; count < 50; count += 1) file.write('\r\n--X-', random.below(file.length))
    const head = '--XX\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    const form = Buffer.concat([Buffer.from(head), file, Buffer.from('\r\n--XX--\r\n')])
    const size = 2000 + random.below(60_000)
    const { source, told } = lendingSource(form, () => size)
    for await (const { body } of formParts(source, 'XX', { partsMax: 1 })) {
      assert.ok((await copyOf(body)).equals(file))
    }
    assert.equal(told.back, told.given)
  }
})

async function copyOf(body: ByteSource): Promise<Buffer> {
  const copies: Buffer[] = []
  for await (const piece of body) {
    copies.push(Buffer.from(piece))
    body.done?.(piece)
  }
  return Buffer.concat(copies)
}

test('a part that is not read is skipped', async () => {
  const names: string[] = []
  const source = cut(Buffer.from(`${named('a', 'x'.repeat(500))}${named('b', 'y')}--XX--`), 11)
  for await (const { name } of formParts(source, 'XX', { partsMax: 9 })) names.push(name)
  assert.deepEqual(names, ['a', 'b'])
})

test('a part tells how much of the form was not content', async () => {
  const told: number[] = []
  const head = 'Content-Disposition: form-data; name="a"'
  const form = `hello\r\n${part(head, 'x'.repeat(500)).repeat(3)}--XX--`
  const source = cut(Buffer.from(form), 7)
  for await (const { headBytes } of formParts(source, 'XX', { partsMax: 9 })) told.push(headBytes)
  const ofEach = '\r\n--XX\r\n'.length + head.length + '\r\n\r\n'.length
  // The first boundary is looked for behind a line break that nobody sent.
  assert.deepEqual(told, [ofEach + '\r\nhello'.length, ofEach, ofEach])
})

test('little may stand before the first boundary', async () => {
  const form = (bytes: number) => `${'x'.repeat(bytes)}\r\n${named('a', 'b')}--XX--`
  assert.equal((await readAll(form(4000), 100)).length, 1)
  let read = 0
  async function* endless() {
    for (; read < 1_000_000; read += 1000) yield Buffer.alloc(1000, 'x')
  }
  const parts = formParts(endless(), 'XX', { partsMax: 9 })
  await assert.rejects(parts.next(), { code: 'MALFORMED_REQUEST' })
  assert.ok(read < 10_000, `${read} bytes were read`)
})

test('leaving early closes the source', async () => {
  let closed = false
  async function* source() {
    try {
      for (;;) yield Buffer.from(named('a', 'x'))
    } finally {
      closed = true
    }
  }
  for await (const _ of formParts(source(), 'XX', { partsMax: 9 })) break
  assert.ok(closed)
})

test('names are read as browsers and curl write them', async () => {
  const header = (rest: string) =>
    `${part(`Content-Disposition: form-data; name="file"; ${rest}`, '')}--XX--`
  const nameOf = async (rest: string) => (await readAll(header(rest)))[0]?.filename
  assert.equal(await nameOf('filename="a%22b%0D%0A.txt"'), 'a"b\r\n.txt')
  assert.equal(await nameOf('filename="a\\"b\\\\c"'), 'a"b\\c')
  assert.equal(await nameOf('filename="C:\\x.txt"'), 'C:\\x.txt')
  assert.equal(await nameOf('filename="100%.txt"'), '100%.txt')
  assert.equal(await nameOf('filename="日本.txt"'), '日本.txt')
  assert.equal(await nameOf("filename=plain; filename*=UTF-8''%E2%82%AC"), '€')
})

test('broken forms are refused, never read as something else', async () => {
  const good = named('a', 'one')
  const broken = [
    '',
    'no boundary at all',
    good,
    `${good}--XX`,
    `${good}--XXx\r\n`,
    `--XX\r\n\r\nno headers\r\n--XX--`,
    part('Content-Disposition: attachment; name="a"', 'x'),
    part('Content-Disposition: form-data', 'x'),
    part('Content-Disposition: form-data; name="a"; name="b"', 'x'),
    part('Content-Disposition: form-data; name="a" junk', 'x'),
    part('Content-Disposition: form-data; name="a"\nX: y', 'x'),
    part('Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data', 'x'),
    part('Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64', 'x'),
    part(`Content-Disposition: form-data; name="a"\r\nX: ${'y'.repeat(20_000)}`, 'x'),
    part("Content-Disposition: form-data; name=a; filename*=UTF-8''%E0", 'x'),
    Buffer.concat([
      Buffer.from('--XX\r\nContent-Disposition: form-data; name="'),
      Buffer.from([0xff]),
      Buffer.from('"\r\n\r\nx\r\n--XX--'),
    ]),
  ]
  for (const form of broken) {
    for (const size of [1, 13, 100_000]) {
      await assert.rejects(readAll(form, size), { code: 'MALFORMED_REQUEST' }, form.toString())
    }
  }
})

test('too many parts are refused', async () => {
  const form = `${named('a', '').repeat(6)}--XX--`
  await assert.rejects(readAll(form, 50, 5), { code: 'TOO_MANY_ITEMS' })
  assert.equal((await readAll(form, 50, 6)).length, 6)
})

test('the boundary is found where it may be', () => {
  assert.equal(boundaryOf('multipart/form-data; boundary=abc'), 'abc')
  assert.equal(boundaryOf('Multipart/Form-Data; charset=utf-8; boundary="a b:c"'), 'a b:c')
  for (const type of [undefined, 'multipart/form-data', 'multipart/mixed; boundary=a', 'text/x']) {
    assert.equal(boundaryOf(type), undefined)
  }
  assert.equal(boundaryOf(`multipart/form-data; boundary=${'x'.repeat(71)}`), undefined)
})
