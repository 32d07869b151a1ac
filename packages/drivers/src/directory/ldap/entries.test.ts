import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entryOf } from './entries.ts'
import type { LdapOptions } from './ldap-options.ts'

const options: LdapOptions = {
  url: 'ldap://127.0.0.1',
  startTls: false,
  ca: undefined,
  service: undefined,
  userBase: 'dc=x',
  userObjectClass: 'user',
  usernameAttribute: 'uid',
  emailAttribute: 'mail',
  firstNameAttribute: 'givenName',
  lastNameAttribute: 'sn',
  attributeMap: { ROOM: 'room', jpegPhoto: 'photo', manager: 'manager_dn' },
  idAttribute: 'GUID',
  activeFilter: undefined,
  groupBase: 'dc=x',
  groupObjectClasses: ['group'],
  memberAttributes: ['member'],
  groupDepth: 1,
  timeoutMs: 1000,
}

function subjectOf(id: Buffer, idAttribute: string): string | undefined {
  const entry = { dn: 'uid=ann,dc=x', uid: 'ann', [idAttribute]: id }
  return entryOf(entry, { ...options, idAttribute }, 0)?.subject
}

test('bytes that are no text name nobody: two people would be one', () => {
  const [one, other] = [Buffer.from([1, 0x80]), Buffer.from([1, 0x81])]
  assert.equal(subjectOf(one, 'GUID'), undefined)
  assert.equal(subjectOf(other, 'GUID'), undefined)
  assert.deepEqual(
    [one, other].map(id => subjectOf(id, 'objectGUID')),
    ['0180', '0181'],
  )
  assert.equal(subjectOf(Buffer.from('a–b'), 'entryUUID'), 'a–b')
})

test('attributes get the names of the settings, in any case; what is no text is left out', () => {
  const photo = Buffer.from([0xff, 0xd8]).toString()
  const entry = { dn: 'uid=ann,dc=x', uid: 'ann', GUID: '1', room: ['12', '13'], jpegPhoto: photo }
  assert.deepEqual(entryOf(entry, options, 0)?.attributes, { room: '12' })
})
