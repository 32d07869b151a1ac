import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { chosenCoding, fixedJson, written } from './send-json.ts'

test('the coding that the caller likes best is chosen', () => {
  const cases: [string | undefined, 'br' | 'gzip' | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['gzip', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['br;q=0.5, gzip', 'gzip'],
    ['*', 'br'],
    ['br;q=0, *;q=0.1', 'gzip'],
    ['identity', undefined],
    ['gzip;q=0', undefined],
    ['GZIP ; Q=1', 'gzip'],
    ['br;q=2, gzip;q=x', undefined],
    ['zstd', undefined],
  ]
  for (const [header, coding] of cases) assert.equal(chosenCoding(header), coding, header)
})

test('a long page is written in pieces, as it would be at once', async () => {
  const text = '"\u{1f600}é\n'
  const pages = [
    { items: [], total: 0 },
    { items: Array.from({ length: 31 }, () => ({ text: text.repeat(100_000) })), total: 31 },
    { items: Array.from({ length: 32 }, (_, at) => ({ at, left: undefined })) },
    { total: 40, next: null, items: Array.from({ length: 40 }, () => ({ text })) },
    { items: Array.from({ length: 40 }, () => ({ text: text.repeat(20_000) })), total: 40 },
    [1, 2, 3],
    'text',
    null,
  ]
  const turns: number[] = []
  for (const page of pages) {
    let turn = 0
    const bytes = await written(page, async () => {
      turn += 1
    })
    turns.push(turn)
    const whole = JSON.stringify(page)
    assert.deepEqual(JSON.parse(String(bytes)), JSON.parse(whole))
    assert.equal(Buffer.byteLength(bytes), Buffer.byteLength(whole))
  }
  assert.deepEqual(turns, [0, 0, 0, 0, 10, 0, 0, 0])
})

test('an answer that is always the same is made once for each coding', async () => {
  const text = 'x'.repeat(5000)
  let writings = 0
  const toJSON = () => {
    writings += 1
    return { text }
  }
  const send = fixedJson({ toJSON })
  const sentTo = async (coding: string) => {
    let sent: unknown
    const fluent: object = new Proxy(
      { request: { headers: { 'accept-encoding': coding } }, getHeader: () => undefined },
      {
        get: (known, name) => {
          if (name in known) return Reflect.get(known, name)
          if (name !== 'send') return () => fluent
          return async (bytes: unknown) => {
            sent = bytes
          }
        },
      },
    )
    await send(fluent as never)
    return sent as Buffer
  }
  const decoders = { br: brotliDecompressSync, gzip: gunzipSync, identity: Buffer.from }
  for (const [coding, decode] of Object.entries(decoders)) {
    const [first, second] = await Promise.all([sentTo(coding), sentTo(coding)])
    assert.equal(first, second)
    assert.equal(first, await sentTo(coding))
    assert.equal(decode(first).toString(), JSON.stringify({ text }))
  }
  assert.equal(writings, 1)
})
