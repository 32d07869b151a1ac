import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimsOf } from './entry-claims.ts'

const dn = 'uid=ann,ou=users,dc=x'
const bare = { subject: '1', username: 'ann', email: null, firstName: '', lastName: '' }
const entry = { ...bare, dn, attributes: {}, groups: [], isActive: true }

test('a token tells the name, the attributes and the groups by distinguished name', () => {
  const attributes = { room: ' 12\n', job_title: 'Chief' }
  const groups = ['cn=admins,dc=x', 'admins']
  assert.deepEqual(claimsOf({ ...entry, attributes, groups }), {
    ldap_dn: dn,
    room: '12',
    job_title: 'Chief',
    ldap_groups: ['cn=admins,dc=x'],
  })
})

test('what does not fit is left out as a whole, and that is told', () => {
  const groups = Array.from({ length: 100 }, (_, n) => `cn=group ${n},ou=groups,dc=x`)
  const whole = claimsOf({ ...entry, attributes: { room: '12' }, groups })
  assert.deepEqual(whole, { ldap_dn: dn, room: '12', ldap_incomplete: true })
  const long = claimsOf({ ...entry, attributes: { room: 'x'.repeat(257), phone: '1' } })
  assert.deepEqual(long, { ldap_dn: dn, ldap_incomplete: true, phone: '1', ldap_groups: [] })
})

test('however much a directory says, it is bounded in bytes', () => {
  const attributes = Object.fromEntries(
    Array.from({ length: 16 }, (_, n) => [`claim_${n}`, '\u{1f600}'.repeat(20 + n)]),
  )
  const groups = ['cn="x",dc=x']
  const text = JSON.stringify(
    claimsOf({ ...entry, dn: `cn=${'"'.repeat(200)}`, attributes, groups }),
  )
  assert.ok(Buffer.byteLength(text) <= 1320, text)
})
