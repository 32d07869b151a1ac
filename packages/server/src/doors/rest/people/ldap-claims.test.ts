import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  base,
  reader,
  type Slapd,
  slapdMissing,
  startSlapd,
} from '@holdfast/testkit/directory/slapd.ts'
import { decodeJwt } from 'jose'
import { startServer, type TestServer, type Tree } from '../../../started-server.test.ts'

const skip = slapdMissing()
let slapd: Slapd

before(async () => {
  if (skip === false) slapd = await startSlapd()
})
after(async () => {
  if (skip === false) await slapd[Symbol.asyncDispose]()
})

async function start(env: Record<string, string>, dir?: string): Promise<TestServer> {
  const ldap = {
    STORAGE_LDAP_SERVER: slapd.tlsUrl,
    STORAGE_LDAP_CA_FILE: slapd.caFile,
    STORAGE_LDAP_BIND_DN: reader.dn,
    STORAGE_LDAP_BIND_PASSWORD: reader.password,
    STORAGE_LDAP_BASE_DN: base,
  }
  return await startServer({ env: { ...ldap, ...env }, ...(dir === undefined ? {} : { dir }) })
}

async function enter(server: TestServer, username: string): Promise<Tree> {
  const json = { username, password: `${username}-test-password` }
  const answer = await server.ask('POST /api/v2/auth/login', { json, key: null })
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

async function renew(server: TestServer, tokens: Tree) {
  const json = { refresh_token: tokens.refresh_token }
  return await server.ask('POST /api/v2/auth/refresh', { json, key: null })
}

test('access tokens tell what the directory says of their owner', { skip }, async () => {
  await using server = await start({})
  const tokens = await enter(server, 'alice')
  const claims = decodeJwt(tokens.access_token)
  assert.equal(claims.ldap_dn, `uid=alice,ou=users,${base}`)
  assert.deepEqual(claims.ldap_groups, [`cn=admins,ou=groups,${base}`])
  assert.equal(claims.full_name, 'Alice Archer')
  // In no mapped group here: claims are told, and give nothing.
  assert.deepEqual(claims.roles, ['USER'])
  assert.equal(decodeJwt(tokens.refresh_token).ldap_dn, undefined)
  await slapd.change(`dn: uid=alice,ou=users,${base}
changetype: modify
add: title
title: Chief
-
add: employeeNumber
employeeNumber: 42
`)
  const next = decodeJwt((await renew(server, tokens)).json.access_token)
  assert.deepEqual([next.job_title, next.employee_id], ['Chief', '42'])
  const log = server.logLines.join('\n')
  assert.ok(!log.includes('Alice Archer'))
})

test('the settings choose the attributes; the token stays below 4 KiB', { skip }, async () => {
  const map = JSON.stringify({ mail: 'post', uid: 'account' })
  await using server = await start({ STORAGE_LDAP_ATTRIBUTE_MAP: map })
  const claims = decodeJwt((await enter(server, 'bob')).access_token)
  assert.deepEqual([claims.post, claims.account], ['bob@holdfast.local', 'bob'])
  assert.equal(claims.full_name, undefined)
  const groups = Array.from({ length: 60 }, (_, n) => {
    return `dn: cn=a long name of a group ${n},ou=groups,${base}
changetype: add
objectClass: groupOfNames
cn: a long name of a group ${n}
member: uid=carol,ou=users,${base}
`
  })
  await slapd.change(groups.join('\n'))
  const { access_token: token } = await enter(server, 'carol')
  assert.ok(token.length < 4096, `${token.length}`)
  const of = decodeJwt(token)
  assert.deepEqual([of.ldap_groups, of.ldap_incomplete, of.account], [undefined, true, 'carol'])
})

test('without the directory its people get no further token', { skip }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-claims-'))
  after(() => rmSync(dir, { recursive: true, force: true }))
  const first = await start({}, dir)
  const tokens = await enter(first, 'dave')
  await first[Symbol.asyncDispose]()
  await using server = await start({ STORAGE_LDAP_ENABLED: 'off' }, dir)
  const refused = await renew(server, tokens)
  assert.deepEqual([refused.status, refused.json.code], [503, 'IDENTITY_UNAVAILABLE'])
  const json = { username: 'dave', password: 'dave-test-password' }
  const login = await server.ask('POST /api/v2/auth/login', { json, key: null })
  assert.equal(login.status, 401)
})
