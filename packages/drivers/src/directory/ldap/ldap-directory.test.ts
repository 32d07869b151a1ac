import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { together } from '@holdfast/core/ports/directory.ts'
import {
  base,
  reader,
  type Slapd,
  slapdMissing,
  startSlapd,
} from '@holdfast/testkit/directory/slapd.ts'
import { systemClock } from '../../clock/system-clock.ts'
import { LdapConnection } from './connection.ts'
import { LdapDirectory } from './ldap-directory.ts'
import type { LdapOptions } from './ldap-options.ts'

const skip = slapdMissing()
let slapd: Slapd

before(async () => {
  if (skip === false) slapd = await startSlapd()
})
after(async () => {
  if (skip === false) await slapd[Symbol.asyncDispose]()
})

function open(given: Partial<LdapOptions> = {}): LdapDirectory {
  return new LdapDirectory(optionsOf(given), systemClock)
}

function optionsOf(given: Partial<LdapOptions>): LdapOptions {
  return {
    url: slapd.tlsUrl,
    startTls: false,
    ca: slapd.ca,
    service: reader,
    userBase: `ou=users,${base}`,
    userObjectClass: 'inetOrgPerson',
    usernameAttribute: 'uid',
    emailAttribute: 'mail',
    firstNameAttribute: 'givenName',
    lastNameAttribute: 'sn',
    attributeMap: {},
    idAttribute: 'entryUUID',
    activeFilter: undefined,
    groupBase: `ou=groups,${base}`,
    groupObjectClasses: ['groupOfNames', 'groupOfUniqueNames', 'posixGroup'],
    memberAttributes: ['member', 'uniqueMember', 'memberUid'],
    groupDepth: 3,
    timeoutMs: 5_000,
    ...given,
  }
}

async function found(name: string, directory = open()) {
  const entry = await directory.find(name)
  assert.ok(entry !== undefined, `${name} is not found`)
  return entry
}

function unavailable(error: unknown): boolean {
  return isHoldfastError(error) && error.code === 'IDENTITY_UNAVAILABLE'
}

function commonNames(groups: readonly string[]): string[] {
  return groups.filter(name => !name.includes('='))
}

test('people are found by name and address, over TLS and StartTLS', { skip }, async () => {
  const start = { url: slapd.url, startTls: true }
  for (const directory of [open(), open(start), open({ url: slapd.url, ca: undefined })]) {
    const alice = await found('alice', directory)
    assert.deepEqual(alice, await found('ALICE@holdfast.local', directory))
    const { username, email, firstName, lastName, dn, isActive } = alice
    assert.deepEqual([username, firstName, lastName], ['alice', 'Alice', 'Archer'])
    assert.deepEqual([email, isActive], ['alice@holdfast.local', true])
    assert.equal(dn, `uid=alice,ou=users,${base}`)
    assert.match(alice.subject, /^[0-9a-f-]{36}$/)
    assert.equal(await directory.verify(alice, 'alice-test-password'), true)
    assert.equal(await directory.verify(alice, 'Alice-test-password'), false)
    assert.equal(await directory.find('nobody'), undefined)
  }
})

test('an address of two people, and what is no person, is nobody', { skip }, async () => {
  assert.equal(await open().find('twins@holdfast.local'), undefined)
  assert.equal(await open().find('printer'), undefined)
  assert.equal(await open().find('reader'), undefined)
  assert.equal((await found('twin1')).username, 'twin1')
})

test('D1 a name is data, whatever it holds', { skip }, async () => {
  const names = [
    '*',
    'a*',
    'alice*',
    'alice)(uid=*',
    '*)(objectClass=*',
    'alice)(|(uid=*))',
    '\\2a',
    'alice\\29\\28uid=\\2a',
    'alice\0',
    '\0',
    'uid=alice,ou=users',
    `uid=alice,ou=users,${base}`,
    '',
    ' ',
    '(',
    ')',
    '\\',
    'é'.repeat(2000),
    '\ud800',
  ]
  for (const name of names) {
    assert.equal(
      await open()
        .find(name)
        .catch(error => assert.ok(unavailable(error))),
      undefined,
      name,
    )
  }
  const weird = await found("we*ird,(o'neil)\\")
  assert.equal(await open().verify(weird, 'weird-test-password'), true)
  assert.equal(await open().verify(weird, 'alice-test-password'), false)
})

test('D2 an empty password is never a login, though the directory takes it', { skip }, async () => {
  const alice = await found('alice')
  assert.equal(await open().verify(alice, ''), false)
  for (const dn of ['', `uid=nobody,ou=users,${base}`, 'no name at all']) {
    assert.equal(await open().verify({ ...alice, dn }, 'alice-test-password'), false, dn)
  }
})

test('groups of all schemas are found, and groups in groups to the depth', { skip }, async () => {
  const groups = async (name: string, depth = 3) => {
    return commonNames((await found(name, open({ groupDepth: depth }))).groups)
  }
  assert.deepEqual(await groups('alice'), ['admins'])
  assert.deepEqual(await groups('bob'), ['operators'])
  assert.deepEqual(await groups('carol'), ['users'])
  assert.deepEqual(await groups('dave'), [])
  assert.deepEqual(await groups('erin'), ['night-shift', 'operators', 'shifts', 'trainees'])
  assert.deepEqual(await groups('erin', 1), ['night-shift'])
  assert.deepEqual(await groups('frank'), ['night-shift', 'shifts', 'trainees'])
  assert.deepEqual(await groups('frank', 10), ['night-shift', 'operators', 'shifts', 'trainees'])
  const { groups: all } = await found('alice')
  assert.deepEqual(all, ['admins', `cn=admins,ou=groups,${base}`])
  assert.deepEqual(await groups("we*ird,(o'neil)\\"), [])
})

test('the primary group is the posixGroup of that number, where those are read', {
  skip,
}, async () => {
  const dave = `uid=dave,ou=users,${base}`
  const classes = 'add: objectClass\nobjectClass: posixAccount\n-\n'
  const numbers = 'add: uidNumber\nuidNumber: 7\n-\nadd: gidNumber\ngidNumber: 5000\n-\n'
  const home = 'add: homeDirectory\nhomeDirectory: /none\n'
  await slapd.change(`dn: ${dave}\nchangetype: modify\n${classes}${numbers}${home}`)
  const groups = async (given: Partial<LdapOptions> = {}) => {
    return commonNames((await found('dave', open(given))).groups)
  }
  assert.deepEqual(await groups(), ['users'])
  // Groups that hold the primary group come with it.
  const whole = `cn=everybody,ou=groups,${base}`
  const member = `cn=users,ou=groups,${base}`
  await slapd.change(
    `dn: ${whole}\nchangetype: add\nobjectClass: groupOfNames\nmember: ${member}\n`,
  )
  assert.deepEqual(await groups(), ['everybody', 'users'])
  assert.deepEqual(await groups({ groupDepth: 1 }), ['users'])
  assert.deepEqual(await groups({ groupObjectClasses: ['groupOfNames'] }), [])
  await slapd.change(`dn: ${dave}\nchangetype: modify\nreplace: gidNumber\ngidNumber: 5001\n`)
  assert.deepEqual(await groups(), [])
  await slapd.change(`dn: ${whole}\nchangetype: delete\n`)
})

test('a group that is called like the distinguished name of another is not that one', {
  skip,
}, async () => {
  const admins = `cn=admins,ou=groups,${base}`
  const dn = `cn=cn\\=admins\\,ou\\=groups\\,${base.replaceAll(/[,=]/g, '\\$&')},ou=groups,${base}`
  const member = `uid=dave,ou=users,${base}`
  await slapd.change(
    `dn: ${dn}\nchangetype: add\nobjectClass: groupOfNames\ncn: ${admins}\nmember: ${member}\n`,
  )
  const { groups } = await found('dave')
  assert.equal(groups.length, 1)
  assert.ok(!groups.includes(admins), groups.join('; '))
  await slapd.change(`dn: ${dn}\nchangetype: delete\n`)
})

test('an account that is closed says so, in the words of several directories', {
  skip,
}, async () => {
  const dn = `uid=dave,ou=users,${base}`
  const { subject } = await found('dave')
  const set = async (name: string, value: string | null) => {
    const values = value === null ? '' : `${name}: ${value}\n`
    await slapd.change(`dn: ${dn}\nchangetype: modify\nreplace: ${name}\n${values}-\n`)
  }
  await slapd.change(
    `dn: ${dn}\nchangetype: modify\nadd: objectClass\nobjectClass: windowsPerson\n-\n`,
  )
  const isActive = async () => {
    const [recalled] = (await together(open().recall([subject]))).entries
    assert.deepEqual(recalled, await found('dave'))
    return recalled?.isActive
  }
  await set('userAccountControl', '512')
  assert.equal(await isActive(), true)
  await set('userAccountControl', '514')
  assert.equal(await isActive(), false)
  await set('userAccountControl', null)
  await set('pwdAccountLockedTime', '000001010000Z')
  assert.equal(await isActive(), false)
  await set('pwdAccountLockedTime', '20260101000000Z')
  assert.equal(await isActive(), true)
  await set('pwdAccountLockedTime', null)
  await set('employeeType', 'former')
  const current = open({ activeFilter: '(!(employeeType=former))' })
  assert.equal(await current.find('dave'), undefined)
  assert.deepEqual((await together(current.recall([subject]))).entries, [])
  assert.equal((await found('alice', current)).username, 'alice')
  await set('employeeType', null)
})

test('D4 a subject survives a new name, and a new entry of the name is another', {
  skip,
}, async () => {
  const dn = `uid=moving,ou=users,${base}`
  const add = async (sn: string) => {
    const names = `objectClass: inetOrgPerson\nuid: moving\ncn: x\nsn: ${sn}\n`
    const person = `${names}userPassword: moving-pw\n`
    await slapd.change(`dn: ${dn}\nchangetype: add\n${person}`)
  }
  await add('First')
  const first = await found('moving')
  await slapd.change(`dn: ${dn}\nchangetype: modrdn\nnewrdn: uid=moved\ndeleteoldrdn: 1\n`)
  const moved = await found('moved')
  assert.equal(moved.subject, first.subject)
  await add('Second')
  const second = await found('moving')
  assert.notEqual(second.subject, first.subject)
  const all = [first.subject, second.subject]
  const { entries } = await together(open().recall([...all, 'no-such-subject']))
  assert.deepEqual(entries.map(({ username }) => username).sort(), ['moved', 'moving'])
  await slapd.change(`dn: uid=moved,ou=users,${base}\nchangetype: delete\n`)
  assert.equal((await together(open().recall(all))).entries.length, 1)
  await slapd.change(`dn: ${dn}\nchangetype: delete\n`)
})

test('D2 the password of who has the name now is not that of who had it', { skip }, async () => {
  const dn = `uid=swapped,ou=users,${base}`
  const add = async (password: string) => {
    const names = 'objectClass: inetOrgPerson\nuid: swapped\ncn: x\nsn: x\n'
    await slapd.change(`dn: ${dn}\nchangetype: add\n${names}userPassword: ${password}\n`)
  }
  await add('first-pw')
  const first = await found('swapped')
  assert.equal(await open().verify(first, 'first-pw'), true)
  await slapd.change(`dn: ${dn}\nchangetype: modrdn\nnewrdn: uid=renamed\ndeleteoldrdn: 1\n`)
  assert.equal(await open().verify(first, 'first-pw'), false)
  await add('second-pw')
  assert.equal(await open().verify(first, 'second-pw'), false)
  assert.equal(await open().verify(await found('swapped'), 'second-pw'), true)
  assert.equal(await open().verify(await found('renamed'), 'first-pw'), true)
  for (const uid of ['swapped', 'renamed']) {
    await slapd.change(`dn: uid=${uid},ou=users,${base}\nchangetype: delete\n`)
  }
})

test('objectGUID names people where the directory is Active Directory', { skip }, async () => {
  const dn = `uid=carol,ou=users,${base}`
  const guid = Buffer.from('00ff2a28295c00112233445566778899', 'hex')
  await slapd.change(
    `dn: ${dn}\nchangetype: modify\nadd: objectClass\nobjectClass: windowsPerson\n-\n` +
      `add: objectGUID\nobjectGUID:: ${guid.toString('base64')}\n-\n`,
  )
  const directory = open({ idAttribute: 'objectGUID' })
  const carol = await found('carol', directory)
  assert.equal(carol.subject, guid.toString('hex'))
  assert.deepEqual((await together(directory.recall([carol.subject]))).entries, [carol])
  await assert.rejects(directory.find('alice'), unavailable)
})

test('the primary group of Active Directory counts, which names nobody', { skip }, async () => {
  const sid = (last: number, domain = 7) => {
    const bytes = Buffer.from('0105000000000005150000000000000000000000000000000000000000', 'hex')
    bytes.writeUInt32LE(domain, 20)
    bytes.writeUInt32LE(last, 24)
    return bytes.subarray(0, 28).toString('base64')
  }
  const group = (name: string, value: string, member: string) =>
    slapd.change(
      `dn: cn=${name},ou=groups,${base}\nchangetype: add\nobjectClass: groupOfNames\n` +
        `objectClass: windowsPerson\ncn: ${name}\nmember: ${member}\nobjectSid:: ${value}\n`,
    )
  const nobody = `uid=nobody,ou=users,${base}`
  await group('primary', sid(513), nobody)
  await group('of another domain', sid(513, 8), nobody)
  await group('another', sid(514), nobody)
  await group('around it', sid(600), `cn=primary,ou=groups,${base}`)
  const dn = `uid=piet,ou=users,${base}`
  const words = (primary: string) =>
    `dn: ${dn}\nchangetype: add\nobjectClass: inetOrgPerson\nobjectClass: windowsPerson\n` +
    `uid: piet\ncn: Piet\nsn: E\nobjectSid:: ${sid(1105)}\n${primary}`
  await slapd.change(words('primaryGroupID: 513\n'))
  assert.deepEqual(commonNames((await found('piet')).groups), ['around it', 'primary'])
  await slapd.change(`dn: ${dn}\nchangetype: delete\n`)
  await slapd.change(words('primaryGroupID: -1\n'))
  assert.deepEqual((await found('piet')).groups, [])
  for (const name of ['primary', 'of another domain', 'another', 'around it']) {
    await slapd.change(`dn: cn=${name},ou=groups,${base}\nchangetype: delete\n`)
  }
  await slapd.change(`dn: ${dn}\nchangetype: delete\n`)
})

test('whose groups are more than the directory gives holds nobody else up', { skip }, async () => {
  const { subject: alice } = await found('alice')
  const { subject: erin } = await found('erin')
  const numbers = Array.from({ length: 600 }, (_, n) => n)
  const many = numbers.map(n => `cn=many${n},ou=groups,${base}`)
  const member = `uid=erin,ou=users,${base}`
  const adds = many.map((dn, n) => {
    const group = `objectClass: groupOfNames\ncn: many${n}\nmember: ${member}`
    return `dn: ${dn}\nchangetype: add\n${group}\n\n`
  })
  await slapd.change(adds.join(''))
  try {
    const {
      entries,
      subjects: _,
      ...rest
    } = await together(open().recall(['no-such-subject', erin, alice]))
    assert.deepEqual(
      entries.map(({ username }) => username),
      ['alice'],
    )
    assert.deepEqual(rest, { overfull: [erin], unjudged: [] })
    await assert.rejects(open().find('erin'), unavailable)
  } finally {
    await slapd.change(many.map(dn => `dn: ${dn}\nchangetype: delete\n\n`).join(''))
  }
  assert.equal((await together(open().recall([erin]))).entries.length, 1)
})

test('many are recalled at once', { skip }, async () => {
  const { subject } = await found('alice')
  const strangers = Array.from({ length: 99 }, (_, n) => {
    return `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`
  })
  const { entries } = await together(open().recall([...strangers, subject]))
  assert.deepEqual(
    entries.map(({ username }) => username),
    ['alice'],
  )
})

test('a certificate of another authority or another host is refused', { skip }, async () => {
  const start = { url: slapd.url, startTls: true }
  const localhost = (url: string) => url.replace('127.0.0.1', 'localhost')
  const bad: Partial<LdapOptions>[] = [
    { ca: undefined },
    { ...start, ca: undefined },
    { url: localhost(slapd.tlsUrl) },
    { ...start, url: localhost(slapd.url) },
    { url: slapd.url.replace('ldap:', 'ldaps:') },
  ]
  for (const given of bad) {
    await assert.rejects(open(given).find('alice'), unavailable, JSON.stringify(given))
  }
})

test('a password that was changed is read again, and tried once', { skip }, async () => {
  const file = { password: reader.password, reads: 0 }
  const service = {
    ...reader,
    renew: () => {
      file.reads += 1
      service.password = file.password
    },
  }
  const directory = open({ service })
  const change = async (password: string) => {
    const how = `changetype: modify\nreplace: userPassword\nuserPassword: ${password}\n`
    await slapd.change(`dn: ${reader.dn}\n${how}`)
  }
  try {
    assert.ok(await directory.find('alice'))
    assert.equal(file.reads, 0)
    await change('another-reader-password')
    await assert.rejects(directory.find('alice'), unavailable)
    assert.equal(file.reads, 1)
    file.password = 'another-reader-password'
    assert.ok(await directory.find('alice'))
    assert.ok(await directory.find('bob'))
    assert.equal(file.reads, 2)
  } finally {
    await change(reader.password)
  }
})

test('a service account that is refused is no answer about anybody', { skip }, async () => {
  const service = { ...reader, password: 'wrong' }
  await assert.rejects(open({ service }).find('alice'), unavailable)
  await assert.rejects(together(open({ service }).recall(['x'])), unavailable)
  // Nobody may read here, so that nobody is found; that is what the directory says.
  assert.equal(await open({ service: undefined }).find('alice').catch(unavailable), true)
})

test('D3 a directory that is down, silent or breaks off is no answer', { skip }, async () => {
  const sockets: Socket[] = []
  let connections = 0
  const silent = createServer(socket => {
    connections += 1
    sockets.push(socket)
    socket.on('error', () => {})
  })
  const rude = createServer(socket => {
    connections += 1
    socket.once('data', () => socket.destroy())
    socket.on('error', () => {})
  })
  for (const server of [silent, rude]) {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    const url = `ldap://127.0.0.1:${address.port}`
    for (const startTls of [false, true]) {
      connections = 0
      const directory = open({ url, startTls, timeoutMs: 200 })
      await assert.rejects(directory.find('alice'), unavailable)
      await assert.rejects(together(directory.recall(['x'])), unavailable)
      const dn = `uid=alice,ou=users,${base}`
      const entry = { ...(await found('alice')), dn }
      await assert.rejects(directory.verify(entry, 'alice-test-password'), unavailable)
      // Each of the three connected once, and never again by itself.
      assert.equal(connections, 3)
    }
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  }
  await slapd.stop()
  await assert.rejects(open().find('alice'), unavailable)
  await slapd.start()
  assert.equal((await found('alice')).username, 'alice')
})

test('a connection that broke is not made again by itself', { skip }, async () => {
  let connections = 0
  let cut = () => {}
  const proxy = createServer(socket => {
    connections += 1
    const target = connect(Number(new URL(slapd.url).port), '127.0.0.1')
    socket.pipe(target).pipe(socket)
    for (const end of [socket, target]) end.on('error', () => {})
    cut = () => socket.destroy()
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  const address = proxy.address()
  assert.ok(address !== null && typeof address === 'object')
  const url = `ldap://127.0.0.1:${address.port}`
  for (const startTls of [false, true]) {
    connections = 0
    const { signal } = new AbortController()
    await using connection = await LdapConnection.open(optionsOf({ url, startTls }), signal)
    await connection.bindService()
    cut()
    await new Promise(resolve => setTimeout(resolve, 100))
    await assert.rejects(connection.search(base, { filter: '(uid=alice)' }))
    await assert.rejects(connection.bind(`uid=alice,ou=users,${base}`, 'alice-test-password'))
    assert.equal(connections, 1)
  }
  await new Promise(resolve => proxy.close(resolve))
})

test('more questions than fit are refused, not kept for ever', { skip }, async () => {
  const directory = open()
  const asked = await Promise.allSettled(Array.from({ length: 120 }, () => directory.find('bob')))
  const refused = asked.filter(({ status }) => status === 'rejected')
  assert.equal(refused.length, 120 - 72)
  assert.equal((await found('bob', directory)).username, 'bob')
})

test('questions of logins take no place of those that ask about who is in', { skip }, async () => {
  const directory = open()
  const { subject } = await found('bob', directory)
  const asked = Promise.allSettled(Array.from({ length: 120 }, () => directory.find('bob')))
  assert.equal((await together(directory.recall([subject]))).entries.length, 1)
  const recalled = Array.from({ length: 120 }, () => together(directory.recall([subject])))
  const refused = (await Promise.allSettled(recalled)).filter(({ status }) => status === 'rejected')
  assert.equal(refused.length, 120 - 72)
  await asked
})
