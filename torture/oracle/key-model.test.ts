import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyToKey } from '../load/door-operations.ts'
import type { Outcome } from '../target/rest-door.ts'
import type { Operation } from './history-file.ts'
import { absent, KeyModel, type KeyState } from './key-model.ts'

function operation(number: number, kind: string, outcome: Outcome): Operation {
  return { number, kind, outcome, key: 'k', client: 0, size: 100, beganMs: 0, endedMs: 1 }
}

function shown(body: number, versions: number): KeyState {
  return { content: { body, size: 100 }, note: body, inTrash: false, versions }
}

function modelOf(...operations: Operation[]): KeyModel {
  const model = new KeyModel('k', applyToKey)
  for (const one of operations) model.add(one)
  return model
}

test('an acknowledged put must be there', () => {
  assert.equal(modelOf(operation(1, 'put', 'ok')).look(shown(1, 1)), undefined)
  assert.match(modelOf(operation(1, 'put', 'ok')).look(absent) ?? '', /is gone, allowed 1x100/)
})

test('an acknowledged purge stays a purge', () => {
  const model = modelOf(operation(1, 'put', 'ok'), operation(2, 'purge', 'ok'))
  assert.match(model.look(shown(1, 1)) ?? '', /allowed gone/)
})

test('a put without an answer may have happened or not, but what was seen stays', () => {
  for (const first of [shown(1, 1), shown(2, 2)]) {
    const model = modelOf(operation(1, 'put', 'ok'), operation(2, 'put', 'unknown'))
    assert.equal(model.state, undefined)
    assert.equal(model.look(first), undefined)
    const other = first.content?.body === 1 ? shown(2, 2) : shown(1, 1)
    assert.notEqual(model.look(other), undefined)
  }
})

test('a refused put must not have happened', () => {
  const model = modelOf(operation(1, 'put', 'ok'), operation(2, 'put', 'no'))
  assert.notEqual(model.look(shown(2, 2)), undefined)
})

test('new bytes with old metadata, and a lost version, are found', () => {
  const mixed = { ...shown(2, 2), note: 1 }
  const twice = [operation(1, 'put', 'ok'), operation(2, 'put', 'ok')] as const
  assert.notEqual(modelOf(...twice).look(mixed), undefined)
  assert.notEqual(modelOf(...twice).look(shown(2, 1)), undefined)
  assert.equal(modelOf(...twice).look(shown(2, 2)), undefined)
})

test('the same bytes again make no version, even when too short to name their writer', () => {
  const short = (number: number) => ({ ...operation(number, 'put', 'ok'), size: 1 })
  const model = modelOf(short(1), short(2))
  const found = { content: { body: 2, size: 1 }, note: 2, inTrash: false, versions: 1 }
  assert.equal(model.look(found), undefined)
})
