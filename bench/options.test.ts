import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions } from './options.ts'

test('without options a full run against nginx is meant', () => {
  const { smoke, only, peer, subject, pairs, patienceMs } = parseOptions([])
  assert.deepEqual(
    { smoke, only, peer, subject, pairs, patienceMs },
    { smoke: false, only: [], peer: 'nginx', subject: 'holdfast', pairs: undefined, patienceMs: 0 },
  )
})

test('rows can be named more than once, waiting is in seconds', () => {
  const options = parseOptions([
    '--only',
    'GET',
    '--only',
    'PUT',
    '--patience',
    '5',
    '--pairs',
    '2',
  ])
  assert.deepEqual(options.only, ['GET', 'PUT'])
  assert.equal(options.patienceMs, 5000)
  assert.equal(options.pairs, 2)
})

test('wrong values are refused by the name of their option', () => {
  assert.throws(() => parseOptions(['--pairs', 'many']), /--pairs/)
  assert.throws(() => parseOptions(['--duration', '0']), /--duration/)
  assert.throws(() => parseOptions(['--peer', 'apache']), /--peer: one of nginx, bare/)
  assert.throws(() => parseOptions(['--unknown']), /unknown/i)
})

test('documents are written from one whole run only', () => {
  assert.throws(() => parseOptions(['--write-docs', '--only', 'GET']), /one whole run/)
  assert.throws(() => parseOptions(['--write-docs', '--smoke']), /one whole run/)
  assert.equal(parseOptions(['--write-docs']).writeDocs, true)
})
