import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attributeMap, standardAttributes } from './attribute-map.ts'

function problemOf(value: unknown): string | undefined {
  const parsed = attributeMap.parse(typeof value === 'string' ? value : JSON.stringify(value))
  return 'problem' in parsed ? parsed.problem : undefined
}

test('a map names attributes and claims; an empty one tells nothing', () => {
  const map = { roomNumber: 'room', cn: 'full_name' }
  assert.deepEqual(attributeMap.parse(JSON.stringify(map)), { value: map })
  assert.deepEqual(attributeMap.parse('{}'), { value: {} })
})

test('claims that mean something are reserved', () => {
  for (const claim of ['sub', 'roles', 'scope', 'kind', 'sid', 'ldap_dn', 'amr', 'permissions']) {
    assert.match(problemOf({ roomNumber: claim }) ?? '', /reserved/, claim)
  }
})

test('what may hold a secret never gets into a token', () => {
  for (const name of ['userPassword', 'unicodePwd', 'userPKCS12', 'krbPrincipalKey']) {
    assert.match(problemOf({ [name]: 'room' }) ?? '', /secret/, name)
  }
})

test('what is no such map is refused', () => {
  const wrong = ['x', [], { 'uid)(x': 'a' }, { uid: 'Room' }, { uid: '__proto__' }, { uid: 7 }]
  for (const value of [...wrong, { uid: 'room', cn: 'room' }, { uid: 'x'.repeat(33) }]) {
    assert.notEqual(problemOf(value), undefined, JSON.stringify(value))
  }
})

test('ten beside the usual six, and no more', () => {
  const ten = Array.from({ length: 10 }, (_, n) => [`extra${n}`, `claim_${n}`] as const)
  const map = { ...standardAttributes, ...Object.fromEntries(ten) }
  assert.equal(problemOf(map), undefined)
  assert.match(problemOf({ ...map, one: 'more' }) ?? '', /more than 10/)
})
