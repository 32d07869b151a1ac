import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import {
  base,
  reader,
  type Slapd,
  slapdMissing,
  startSlapd,
} from '@holdfast/testkit/directory/slapd.ts'
import { TOTP } from 'otpauth'
import { parseSettings } from '../../../config/parse-settings.ts'
import {
  type Answer,
  refused,
  startServer,
  type TestServer,
  type Tree,
} from '../../../started-server.test.ts'

const skip = slapdMissing()
const root = { username: 'root', password: 'Chief-Password-2026' }
let slapd: Slapd
let server: TestServer
let admin: Tree

before(async () => {
  if (skip !== false) return
  slapd = await startSlapd()
  server = await startServer({ env: environment() })
  admin = (await login(root.username, root.password)).json
})
after(async () => {
  if (skip !== false) return
  await server[Symbol.asyncDispose]()
  await slapd[Symbol.asyncDispose]()
})

function environment(): Record<string, string> {
  return {
    STORAGE_INITIAL_ADMIN_USERNAME: root.username,
    STORAGE_INITIAL_ADMIN_PASSWORD: root.password,
    STORAGE_LDAP_SERVER: slapd.tlsUrl,
    STORAGE_LDAP_CA_FILE: slapd.caFile,
    STORAGE_LDAP_BIND_DN: reader.dn,
    STORAGE_LDAP_BIND_PASSWORD_FILE: passwordFile(reader.password),
    STORAGE_LDAP_BASE_DN: base,
    STORAGE_LDAP_RECHECK_INTERVAL: '5',
    STORAGE_LDAP_TIMEOUT: '2',
    // All come from one address here, and many are wrong on purpose.
    STORAGE_RATE_LIMIT_LOGIN: 'off',
    STORAGE_LDAP_GROUP_ROLE_MAPPING: JSON.stringify({
      [`CN=Admins, ou=groups, ${base}`]: ['ADMIN'],
      operators: ['OPERATOR', 'group:Shift Leaders'],
      users: ['USER'],
    }),
    STORAGE_LDAP_DEFAULT_ROLE: 'READONLY',
  }
}

/** Beside the certificate of the directory, which goes with it. */
function passwordFile(password: string): string {
  const path = join(dirname(slapd.caFile), 'reader')
  writeFileSync(path, `${password}\n`)
  return path
}

async function login(username: string, password: string, to = server): Promise<Answer> {
  return await to.ask('POST /api/v2/auth/login', { json: { username, password }, key: null })
}

async function enter(username: string): Promise<Tree> {
  const answer = await login(username, `${username}-test-password`)
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

function by(tokens: Tree) {
  return { key: null, headers: { authorization: `Bearer ${tokens.access_token}` } }
}

async function renew(tokens: Tree): Promise<Answer> {
  const json = { refresh_token: tokens.refresh_token }
  return await server.ask('POST /api/v2/auth/refresh', { json, key: null })
}

async function me(tokens: Tree): Promise<Answer> {
  return await server.ask('GET /api/v2/auth/me', by(tokens))
}

async function userOf(username: string): Promise<Tree> {
  const list = await server.ask(`GET /api/v2/users?search=${username}`, by(admin))
  const found = list.json.items.find((user: Tree) => user.username === username)
  assert.ok(found !== undefined, list.text)
  return found
}

/** Waits for the background, up to a bound that a loaded machine keeps. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 300; n += 1) {
    if (await holds()) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  assert.fail('it did not happen')
}

test('people of the directory log in with the roles of their groups', { skip }, async () => {
  const json = { name: 'Shift Leaders' }
  const group = (await server.ask('POST /api/v2/groups', { ...by(admin), json })).json
  assert.deepEqual((await me(await enter('alice'))).json.permissions, ['*'])
  const session = await enter('bob')
  const bob = (await me(session)).json
  assert.equal(bob.confirms_with, 'directory')
  const confirm = async (password: string) => {
    const asked = { ...by(session), json: { password } }
    return (await server.ask('POST /api/v2/auth/confirm', asked)).status
  }
  assert.deepEqual([await confirm('bob-test-password'), await confirm('wrong')], [200, 401])
  assert.ok(bob.permissions.includes('store:admin'))
  assert.equal((await me(await enter('carol'))).json.own_permissions.length, 6)
  assert.ok((await me(await enter('erin'))).json.permissions.includes('store:admin'))
  assert.equal((await me(await enter('dave'))).json.own_permissions.length, 3)
  const byMail = await login('BOB@holdfast.local', 'bob-test-password')
  assert.equal((await me(byMail.json)).json.id, bob.id)
  const shown = await userOf('bob')
  assert.deepEqual([shown.source, shown.first_name, shown.roles], ['ldap', 'Bob', ['OPERATOR']])
  // The group of this store that the mapping names counts in access lists.
  const options = { body: 'x', headers: { 'content-type': 'text/plain' } }
  const path = '/api/v2/buckets/holdfast/assets/shift.txt'
  const { id } = (await server.ask(`PUT ${path}`, options)).json
  const acl = { acl: { read: [group.id], write: [] } }
  assert.equal((await server.ask(`PUT /api/v2/assets/${id}`, { json: acl })).status, 200)
  assert.equal((await server.ask(`GET ${path}`, by(await enter('bob')))).status, 200)
  assert.equal((await server.ask(`GET ${path}`, by(await enter('carol')))).status, 404)
})

test('a wrong password, an unknown name and a filter get one answer', { skip }, async () => {
  const tell = async (username: string, password: string) => {
    const { status, json } = await login(username, password)
    const { request_id: _, ...body } = json
    return { status, body }
  }
  const known = await tell('frank', 'wrong')
  assert.deepEqual([known.status, known.body.code], [401, 'UNAUTHENTICATED'])
  for (const [name, password] of [
    ['root', 'wrong'],
    ['nobody', 'wrong'],
    ['twins@holdfast.local', 'twin-test-password'],
    ['printer', 'printer-test-password'],
    ['al*', 'alice-test-password'],
    ['alice)(uid=*', 'alice-test-password'],
    ['*)(objectClass=*)(|(uid=', 'alice-test-password'],
    [`uid=alice,ou=users,${base}`, 'alice-test-password'],
    ['cn=reader', reader.password],
  ] as const) {
    assert.deepEqual(await tell(name, password), known, name)
  }
  const empty = await login('frank', '')
  assert.notEqual(empty.status, 200)
})

test('five guesses lock an account, under all its names and at once', { skip }, async () => {
  const names = ['frank', 'FRANK']
  const guesses = Array.from({ length: 12 }, (_, n) => login(names[n % 2] ?? '', `guess-${n}`))
  const statuses = (await Promise.all(guesses)).map(({ status }) => status)
  // One was made by the test before.
  assert.equal(statuses.filter(status => status === 401).length, 4)
  assert.equal(statuses.filter(status => status === 423).length, 8)
  for (const name of names) assert.equal((await login(name, 'frank-test-password')).status, 423)
  // Under another name, that is not told: it would show whose name it is.
  for (const name of ['frank@holdfast.local', 'frank ']) {
    assert.equal((await login(name, 'frank-test-password')).status, 401)
  }
  // The same for somebody who has logged in before, and there an administrator can end it.
  for (let n = 0; n < 5; n += 1) assert.equal((await login('dave', 'wrong')).status, 401)
  assert.equal((await login('dave', 'dave-test-password')).status, 423)
  assert.equal((await login('dave@holdfast.local', 'dave-test-password')).status, 401)
  const { id, status } = await userOf('dave')
  assert.equal(status, 'LOCKED')
  await server.ask(`POST /api/v2/users/${id}/unlock`, by(admin))
  await enter('dave')
})

test('guesses at one person are asked of the directory one after the other', { skip }, async () => {
  const { directory } = server.running.context.engine.identity.directory ?? assert.fail()
  const most = { find: 0, verify: 0 }
  const watched = <Args extends unknown[], Told>(
    what: keyof typeof most,
    ask: (...args: Args) => Promise<Told>,
  ) => {
    let inside = 0
    return async (...args: Args) => {
      inside += 1
      most[what] = Math.max(most[what], inside)
      return await ask(...args).finally(() => {
        inside -= 1
      })
    }
  }
  const honest = { find: directory.find.bind(directory), verify: directory.verify.bind(directory) }
  Object.assign(directory, {
    find: watched('find', honest.find),
    verify: watched('verify', honest.verify),
  })
  try {
    await Promise.all(['erin', 'erin', 'erin'].map(name => login(name, 'wrong')))
    assert.deepEqual(most, { find: 1, verify: 1 })
    await enter('erin')
    // Under two names it is known only when both were looked for that they are of one.
    const names = ['erin', 'erin@holdfast.local']
    await Promise.all([...names, ...names].map(name => login(name, 'wrong')))
    assert.equal(most.verify, 1)
  } finally {
    Object.assign(directory, honest)
  }
})

test('guesses under the id of a user are those at a name that nobody has', { skip }, async () => {
  const { id } = await userOf(root.username)
  for (let n = 0; n < 5; n += 1) assert.equal((await login(id, 'wrong')).status, 401)
  assert.equal((await login(id, 'wrong')).status, 423)
  assert.equal((await userOf(root.username)).status, 'ACTIVE')
  assert.equal((await login(root.username, root.password)).status, 200)
})

test('who is closed in the directory is out, with all tokens and links', { skip }, async () => {
  const dn = `uid=carol,ou=users,${base}`
  const tokens = await enter('carol')
  const path = '/api/v2/buckets/holdfast/assets/carol.txt'
  const asset = (await server.ask(`PUT ${path}`, { ...by(tokens), body: 'mine' })).json
  const link = await server.ask(`GET /api/v2/assets/${asset.id}/presigned-url`, by(tokens))
  const { pathname } = new URL(link.json.url)
  assert.equal((await server.ask(`GET ${pathname}`, { key: null })).text, 'mine')
  await slapd.change(
    `dn: ${dn}\nchangetype: modify\nadd: objectClass\nobjectClass: windowsPerson\n-\n` +
      'add: userAccountControl\nuserAccountControl: 514\n-\n',
  )
  // Nobody logs out, refreshes or logs in: the background asks.
  await until(async () => (await me(tokens)).status === 401)
  refused(await renew(tokens), 401, 'UNAUTHENTICATED')
  refused(await server.ask(`GET ${pathname}`, { key: null }), 403, 'LINK_INVALID')
  refused(await login('carol', 'carol-test-password'), 403, 'ACCOUNT_DISABLED')
  refused(await login('carol', 'wrong'), 401, 'UNAUTHENTICATED')
  assert.equal((await userOf('carol')).status, 'INACTIVE')
  await server.running.context.audit.flush()
  const rows = (await server.ask('GET /api/v2/audit?action=closeUser', by(admin))).json.items
  assert.equal(rows[0].resource.username, 'carol')
  await slapd.change(`dn: ${dn}\nchangetype: modify\nreplace: userAccountControl\n-\n`)
  assert.equal((await me(await enter('carol'))).status, 200)
  // What an administrator closed here, the directory does not open.
  const { id } = await userOf('carol')
  await server.ask(`PUT /api/v2/users/${id}`, { ...by(admin), json: { status: 'INACTIVE' } })
  refused(await login('carol', 'carol-test-password'), 403, 'ACCOUNT_DISABLED')
})

test('a refresh asks the directory, and rights follow the groups', { skip }, async () => {
  const group = `dn: cn=operators,ou=groups,${base}\nchangetype: modify\n`
  const member = `uniqueMember: uid=bob,ou=users,${base}\n-\n`
  const tokens = await enter('bob')
  await slapd.change(`${group}delete: uniqueMember\n${member}`)
  const next = (await renew(tokens)).json
  assert.equal((await me(next)).json.permissions.includes('store:admin'), false)
  await slapd.change(`${group}add: uniqueMember\n${member}`)
  await until(async () => (await me(next)).json.permissions.includes('store:admin'))
  // Nobody here gave or took them: the log tells whom the directory raised, and from what.
  await server.running.context.audit.flush()
  const asked = 'GET /api/v2/audit?action=changeRightsOutside'
  const rows: Tree[] = (await server.ask(asked, by(admin))).json.items
  const [raised, lowered] = rows.filter(({ resource }) => resource.username === 'bob')
  assert.deepEqual([raised?.actor_type, raised?.severity], ['system', 'notice'])
  const rightsOf = ({ status, roles, permissions }: Tree) => [status, roles, permissions]
  const [more, less] = [lowered?.detail.before, lowered?.detail.after].map(rightsOf)
  assert.notDeepEqual(more, less)
  assert.deepEqual([raised?.detail.before, raised?.detail.after].map(rightsOf), [less, more])
})

test('a code after the password asks the directory, too', { skip }, async () => {
  const dn = `uid=hana,ou=users,${base}`
  const person = 'objectClass: inetOrgPerson\nuid: hana\ncn: Hana\nsn: Hill'
  await slapd.change(`dn: ${dn}\nchangetype: add\n${person}\nuserPassword: hana-test-password\n`)
  const ask = async (line: string, json: object) => await server.ask(line, { json, key: null })
  const hana = { username: 'hana', password: 'hana-test-password' }
  const { secret } = (await ask('POST /api/v2/auth/second-factor', hana)).json
  const code = new TOTP({ secret }).generate()
  const confirmed = await ask('POST /api/v2/auth/second-factor/confirm', { ...hana, code })
  const [recovery] = confirmed.json.recovery_codes
  const asked = await login('hana', hana.password)
  refused(asked, 401, 'SECOND_FACTOR_REQUIRED')
  const { challenge } = asked.json.details
  await slapd.change(`dn: ${dn}\nchangetype: delete\n`)
  const late = await ask('POST /api/v2/auth/login/code', { challenge, code: recovery })
  refused(late, 403, 'ACCOUNT_DISABLED')
  // Whatever asked, it is told that she is out, and why.
  await server.running.context.audit.flush()
  const rows = (await server.ask('GET /api/v2/audit?action=closeUser', by(admin))).json.items
  assert.equal(rows[0].resource.username, 'hana')
  assert.equal(rows[0].detail.reason, 'closed or gone in the directory')
})

test("a local name is never the directory's, and its passwords stay there", { skip }, async () => {
  const person = `objectClass: inetOrgPerson\nuid: root\ncn: x\nsn: x\nuserPassword: evil-pw\n`
  await slapd.change(`dn: uid=root,ou=users,${base}\nchangetype: add\n${person}`)
  refused(await login('root', 'evil-pw'), 401, 'UNAUTHENTICATED')
  assert.equal((await login('root', root.password)).status, 200)
  await enter('alice')
  const { id } = await userOf('alice')
  const password = 'Another-Horse-8-Battery'
  const reset = { ...by(admin), json: { password } }
  refused(await server.ask(`PUT /api/v2/users/${id}/password`, reset), 409, 'USER_OUTSIDE')
  const change = { username: 'alice', password: 'alice-test-password', new_password: password }
  const answer = await server.ask('POST /api/v2/auth/password', { json: change, key: null })
  refused(answer, 409, 'USER_OUTSIDE')
  const roles = { ...by(admin), json: { roles: ['ADMIN'] } }
  refused(await server.ask(`PUT /api/v2/users/${id}`, roles), 409, 'USER_OUTSIDE')
})

test('with the directory down its users wait, and local ones work', { skip }, async () => {
  const tokens = await enter('alice')
  await slapd.stop()
  refused(await login('alice', 'alice-test-password'), 503, 'IDENTITY_UNAVAILABLE')
  refused(await renew(tokens), 503, 'IDENTITY_UNAVAILABLE')
  assert.equal((await login(root.username, root.password)).status, 200)
  refused(await login(root.username, 'wrong'), 401, 'UNAUTHENTICATED')
  assert.equal((await me(tokens)).status, 200)
  // The background counts its rounds by itself, for the alarm.
  const failed = /^identity_checks_total\{place="ldaps:.+",result="failed"\} [1-9]/m
  await until(async () => failed.test((await server.ask('GET /metrics')).text))
  await slapd.start()
  // Nothing was counted, and the refresh token was not used up.
  assert.equal((await renew(tokens)).status, 200)
  await enter('alice')
})

test('the password of who searches is taken from its file when it changed', { skip }, async () => {
  const change = async (password: string) => {
    const how = `changetype: modify\nreplace: userPassword\nuserPassword: ${password}\n`
    await slapd.change(`dn: ${reader.dn}\n${how}`)
  }
  await change('second-reader-password')
  try {
    refused(await login('alice', 'alice-test-password'), 503, 'IDENTITY_UNAVAILABLE')
    // Emptied by mistake: nobody is asked as nobody.
    passwordFile('')
    refused(await login('alice', 'alice-test-password'), 503, 'IDENTITY_UNAVAILABLE')
    passwordFile('second-reader-password')
    await enter('alice')
  } finally {
    await change(reader.password)
    passwordFile(reader.password)
  }
  await enter('alice')
})

test('no password of the directory is in the log or in the catalog', { skip }, async () => {
  const log = server.logLines.join('\n')
  const users = await server.running.context.engine.catalog.view.identities.list({
    kind: 'user',
    limit: 1000,
  })
  const kept = JSON.stringify(users)
  for (const secret of [
    'alice-test-password',
    reader.password,
    'frank-test-password',
    'second-reader-password',
  ]) {
    assert.ok(!log.includes(secret) && !kept.includes(secret))
  }
})

test('settings that send passwords in the clear or are no filter are refused', async () => {
  const ldap = { STORAGE_LDAP_SERVER: 'ldap://dc.example.org', STORAGE_LDAP_BASE_DN: base }
  const problems = (env: Record<string, string>) => {
    try {
      parseSettings({ env: { STORAGE_ENVIRONMENT: 'production', ...ldap, ...env } })
      return ''
    } catch (error) {
      assert.ok(isHoldfastError(error))
      return JSON.stringify(error.details)
    }
  }
  assert.match(problems({}), /LDAP_SERVER/)
  assert.match(problems({ STORAGE_LDAP_SERVER: 'ldap://127.0.0.1.example.org' }), /LDAP_SERVER/)
  assert.equal(problems({ STORAGE_LDAP_START_TLS: 'on' }), '')
  assert.equal(problems({ STORAGE_LDAP_SERVER: 'ldaps://dc.example.org:636/' }), '')
  const bad: Record<string, string> = {
    STORAGE_LDAP_SERVER: 'https://dc.example.org',
    STORAGE_LDAP_BASE_DN: '',
    STORAGE_LDAP_BIND_DN: 'cn=reader',
    STORAGE_LDAP_BIND_PASSWORD: 'x',
    STORAGE_LDAP_USERNAME_ATTRIBUTE: 'uid)(x=*',
    STORAGE_LDAP_MEMBER_ATTRIBUTE: 'member,(x=y)',
    STORAGE_LDAP_ACTIVE_FILTER: 'no filter',
    STORAGE_LDAP_GROUP_ROLE_MAPPING: '{"x":["ROOT"]}',
    STORAGE_LDAP_DEFAULT_ROLE: 'ROOT',
  }
  for (const [name, value] of Object.entries(bad)) {
    const told = problems({ STORAGE_LDAP_START_TLS: 'on', [name]: value })
    assert.match(told, new RegExp(`${name.replace(/_PASSWORD$/, '_DN')}`), name)
  }
  for (const given of [
    'ldaps://a?x',
    'ldaps://a#y',
    'ldaps://:x@a',
    'ldaps://x@a',
    'ldaps://a/x',
  ]) {
    assert.match(problems({ STORAGE_LDAP_SERVER: given }), /must be ldaps:/, given)
  }
  const twice = '{"Staff":["USER"],"staff":["ADMIN"]}'
  const told = problems({ STORAGE_LDAP_START_TLS: 'on', STORAGE_LDAP_GROUP_ROLE_MAPPING: twice })
  assert.match(told, /names \W+staff\W+ twice, in another spelling/)
  const tls = { STORAGE_LDAP_START_TLS: 'on', STORAGE_LDAP_SERVER: 'ldaps://dc.example.org' }
  assert.match(problems(tls), /LDAP_START_TLS/)
})
