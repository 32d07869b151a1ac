import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupNameOf } from './group-name.ts'

test('one group has one name, however its distinguished name is spelt', () => {
  const spellings: readonly (readonly string[])[] = [
    ['cn=admins,ou=groups,dc=x', 'CN=Admins, OU=Groups , DC=x', ' cn = admins;ou=groups;dc=x'],
    ['cn=größe\\2c team,dc=x', 'cn=Größe\\, Team,dc=x', 'cn=Gr\\c3\\b6\\C3\\9Fe\\, Team,dc=x'],
    ['cn=plus\\2bx,dc=x', 'cn=plus\\+x,dc=x'],
    ['cn=a b\\20,dc=x', 'cn=a b\\ ,dc=x', 'cn=a b\\  ,dc=x'],
    ['cn=zo\u00eb,dc=x', 'cn=zoe\u0308,dc=x'],
    ['cn=a\\5cb,dc=x', 'cn=a\\\\b,dc=x'],
    ['cn=\\ff\\41\\fE,dc=x', 'cn=\\FFa\\fe,dc=x'],
    ['cn=ΟΔΟΣ,dc=x', 'cn=οδος,dc=x', 'cn=οδοσ,dc=x'],
    ['Staff', 'staff'],
  ]
  for (const same of spellings) {
    assert.equal(new Set(same.map(groupNameOf)).size, 1, `${same.map(groupNameOf)}`)
  }
  assert.equal(new Set(spellings.map(([name = '']) => groupNameOf(name))).size, spellings.length)
})

test('names of two groups stay two', () => {
  const names = [
    'cn=a,dc=x',
    'cn=a\\,dc=x',
    'cn=a+dc=x',
    'cn=a\\2bdc\\3dx',
    'cn=a\\ ,dc=x',
    'cn=\\ a,dc=x',
    'cn=a\\5c\\2cdc=x',
    'cn=a\\\\,dc=x',
    'cn="a",dc=x',
    'cn=#61,dc=x',
    'cn=\\#61,dc=x',
    'cn=,dc=x',
    ...['cn=\u00a0a,dc=x', 'cn=a\u00a0,dc=x', 'cn=\ufeffa,dc=x', 'cn=\ta,dc=x'],
    ...['cn=\\ff,dc=x', 'cn=\\fe,dc=x', 'cn=\\5cff,dc=x', 'cn=\\ef\\bf\\bd,dc=x'],
    'cn=a',
    'a',
  ]
  assert.equal(new Set(names.map(groupNameOf)).size, names.length)
  for (const name of names) assert.equal(groupNameOf(groupNameOf(name)), groupNameOf(name), name)
})

test('a name that is none takes no longer than one that is', () => {
  for (const name of [`cn=${'\\41'.repeat(100_000)}\\`, `cn=${' '.repeat(100_000)}b\\`]) {
    assert.equal(groupNameOf(name), name.toLowerCase())
  }
})
