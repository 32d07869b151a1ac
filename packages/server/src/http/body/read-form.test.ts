import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FORM_BYTES_MAX, readForm } from './read-form.ts'

async function read(text: string, pieceBytes = 1000): Promise<Record<string, string>> {
  async function* pieces() {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
  }
  return await readForm(pieces())
}

test('fields are read as browsers write them, and a name only once', async () => {
  assert.deepEqual(await read('a=1&b=x+y%26&c=&d', 3), { a: '1', b: 'x y&', c: '', d: '' })
  assert.deepEqual(await read(''), {})
  await assert.rejects(read('a=1&a=2'), { code: 'MALFORMED_REQUEST' })
})

test('a form has few bytes and few fields, and is not parsed before they are counted', async () => {
  const fields = (count: number) => Array.from({ length: count }, (_, at) => `f${at}`).join('&')
  assert.equal(Object.keys(await read(fields(64))).length, 64)
  const tooMany = { code: 'MALFORMED_REQUEST', details: { reason: 'more than 64 fields' } }
  await assert.rejects(read(fields(65)), tooMany)
  // Nothing is left of these once they are parsed.
  await assert.rejects(read('&'.repeat(64)), tooMany)
  const padded = (bytes: number) => `a=${'x'.repeat(bytes - 2)}`
  assert.equal((await read(padded(FORM_BYTES_MAX))).a?.length, FORM_BYTES_MAX - 2)
  await assert.rejects(read(padded(FORM_BYTES_MAX + 1)), { code: 'BODY_TOO_LARGE' })
})
