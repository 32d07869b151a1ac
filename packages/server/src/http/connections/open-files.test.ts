import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { connectionsMaxOf, openFilesMax } from './open-files.ts'

const unset = { connectionsMax: undefined, requestsMax: 4096 }

function problemOf(connectionsMax: number | undefined, filesMax: number): string {
  try {
    connectionsMaxOf({ connectionsMax, requestsMax: 4096 }, filesMax)
  } catch (error) {
    assert.ok(isHoldfastError(error))
    return JSON.stringify(error.details)
  }
  return ''
}

test('unset, connections leave files to the store and to each request at work', () => {
  assert.equal(connectionsMaxOf(unset, 1024), 384)
  assert.equal(connectionsMaxOf(unset, 10_000), 5648)
  assert.equal(connectionsMaxOf(unset, 20_000), 15_000)
  assert.equal(connectionsMaxOf({ ...unset, requestsMax: 100 }, 1024), 668)
  assert.equal(connectionsMaxOf(unset, 1_048_576), 32_768)
  assert.equal(connectionsMaxOf(unset, Number.POSITIVE_INFINITY), 32_768)
})

test('what leaves too few files is refused, and says what to do', () => {
  assert.equal(connectionsMaxOf({ ...unset, connectionsMax: 768 }, 1024), 768)
  assert.match(problemOf(769, 1024), /STORAGE_MAX_CONNECTIONS.+leaves 255 of the 1024.+ulimit -n/)
  assert.match(problemOf(2000, 1024), /leaves 0 of the 1024/)
  assert.match(problemOf(undefined, 256), /256 files open, and needs 384.+LimitNOFILE/)
})

test('the limit of this process is known', () => {
  assert.ok(openFilesMax() >= 256)
})
