import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosenCoding } from './send-json.ts'

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
