import assert from 'node:assert/strict'
import { connect, createServer, type Server } from 'node:net'
import { after, before, test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { together } from '@holdfast/core/ports/directory.ts'
import {
  base,
  limitedReader,
  reader,
  type Slapd,
  slapdMissing,
  startSlapd,
} from '@holdfast/testkit/directory/slapd.ts'
import { systemClock } from '../../clock/system-clock.ts'
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
  return openAt({ url: slapd.tlsUrl, ca: slapd.ca, ...given })
}

function openAt(given: Pick<LdapOptions, 'url' | 'ca'> & Partial<LdapOptions>): LdapDirectory {
  const options: LdapOptions = {
    startTls: false,
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
  return new LdapDirectory(options, systemClock)
}

function unavailable(error: unknown): boolean {
  return isHoldfastError(error) && error.code === 'IDENTITY_UNAVAILABLE'
}

async function addPerson(uid: string, more = ''): Promise<void> {
  const names = `objectClass: inetOrgPerson\nuid: ${uid}\ncn: x\nsn: x\n`
  await slapd.change(`dn: uid=${uid},ou=users,${base}\nchangetype: add\n${names}${more}`)
}

async function removePerson(uid: string): Promise<void> {
  await slapd.change(`dn: uid=${uid},ou=users,${base}\nchangetype: delete\n`)
}

/** Stands before the directory: what it appends to the first answer was never sent there. */
async function between(appended: Buffer): Promise<Server> {
  const proxy = createServer(socket => {
    const target = connect(Number(new URL(slapd.url).port), '127.0.0.1')
    socket.pipe(target)
    target.once('data', answer => {
      socket.write(Buffer.concat([answer, appended]))
      target.pipe(socket)
    })
    for (const end of [socket, target]) {
      end.on('error', () => {})
      end.on('close', () => [socket, target].map(one => one.destroy()))
    }
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  return proxy
}

function urlOf(proxy: Server): string {
  const address = proxy.address()
  assert.ok(address !== null && typeof address === 'object')
  return `ldap://127.0.0.1:${address.port}`
}

test('what comes before TLS is no answer to what is asked over it', { skip }, async () => {
  const directory = open()
  const alice = await directory.find('alice')
  assert.ok(alice !== undefined)
  // Lets in whoever binds next; its text is to be the 14 bytes of the true refusal.
  const halfAnswer = Buffer.from('301a02010361150a01000400040e', 'hex')
  const wholeAnswer = Buffer.from('300c02010361070a010004000400', 'hex')
  for (const appended of [halfAnswer, wholeAnswer, Buffer.from('30', 'hex'), Buffer.from('x')]) {
    const proxy = await between(appended)
    try {
      const asked = open({ url: urlOf(proxy), startTls: true })
      await assert.rejects(asked.verify(alice, 'not the password'), unavailable)
      await assert.rejects(asked.find('alice'), unavailable)
    } finally {
      proxy.close()
    }
  }
  const honest = await between(Buffer.alloc(0))
  try {
    const asked = open({ url: urlOf(honest), startTls: true })
    assert.equal(await asked.verify(alice, 'not the password'), false)
    assert.equal(await asked.verify(alice, 'alice-test-password'), true)
  } finally {
    honest.close()
  }
})

test('nobody keeps others out by taking their user name for an address', { skip }, async () => {
  const directory = open()
  const before = await directory.find('alice')
  for (const uid of ['eve1', 'eve2', 'eve3']) await addPerson(uid, 'mail: alice\nmail: same@x.y\n')
  assert.deepEqual(await directory.find('alice'), before)
  assert.equal(await directory.find('same@x.y'), undefined)
  for (const uid of ['eve1', 'eve2', 'eve3']) await removePerson(uid)
  // Two entries of one user name are nobody, as ever.
  await slapd.change(
    `dn: cn=other,ou=users,${base}\nchangetype: add\nobjectClass: inetOrgPerson\n` +
      'cn: other\nsn: x\nuid: alice\n',
  )
  assert.equal(await directory.find('alice'), undefined)
  await slapd.change(`dn: cn=other,ou=users,${base}\nchangetype: delete\n`)
})

test('what people keep in their entries keeps nobody else out, or in', { skip }, async () => {
  const attributeMap = { telephoneNumber: 'phone' }
  const directory = open({ attributeMap })
  const alice = await directory.find('alice')
  await addPerson('eve', 'mail: alice\n')
  const eve = await directory.find('eve')
  const long = `replace: telephoneNumber\ntelephoneNumber: ${'1'.repeat(3 * 1024 * 1024)}\n`
  await slapd.change(`dn: uid=eve,ou=users,${base}\nchangetype: modify\n${long}`)
  assert.deepEqual(await directory.find('alice'), alice)
  const all = [eve, alice, await directory.find('bob')].map(entry => entry?.subject ?? '')
  const { entries, overfull } = await together(directory.recall(all))
  // The others are asked about all the same.
  assert.deepEqual(entries.map(({ username }) => username).sort(), ['alice', 'bob'])
  assert.deepEqual(overfull, [eve?.subject])
  await assert.rejects(directory.find('eve'), unavailable)
  await removePerson('eve')
})

test('the first of two is not the only one where the directory tells one', { skip }, async () => {
  const password = `userPassword: ${limitedReader.password}\n`
  const account =
    'objectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: limited\n'
  await slapd.change(`dn: ${limitedReader.dn}\nchangetype: add\n${account}${password}`)
  for (const uid of ['eve1', 'eve2']) await addPerson(uid, 'mail: two@x.y\n')
  const limited = open({ service: limitedReader })
  await assert.rejects(limited.find('two@x.y'), unavailable)
  assert.equal((await limited.find('eve1'))?.username, 'eve1')
  for (const uid of ['eve1', 'eve2']) await removePerson(uid)
  await slapd.change(`dn: ${limitedReader.dn}\nchangetype: delete\n`)
})

test('an account of Active Directory is closed from the day that it expires', {
  skip,
}, async () => {
  const filetime = (ms: number) => String((BigInt(ms) + 11_644_473_600_000n) * 10_000n)
  const now = Date.now()
  const values: readonly (readonly [string, boolean])[] = [
    [filetime(now + 3_600_000), true],
    [filetime(now - 1000), false],
    ['1', false],
    ['0', true],
    ['9223372036854775807', true],
    ['-1', true],
  ]
  for (const [value, isActive] of values) {
    await addPerson('ned', `objectClass: windowsPerson\naccountExpires: ${value}\n`)
    const directory = open()
    const ned = await directory.find('ned')
    assert.equal(ned?.isActive, isActive, value)
    const [recalled] = (await together(directory.recall([ned?.subject ?? '']))).entries
    assert.equal(recalled?.isActive, isActive, value)
    await removePerson('ned')
  }
})

test('spellings that the directory takes for one name are one account', { skip }, async () => {
  const directory = open()
  const alice = await directory.find('alice')
  assert.ok(alice !== undefined)
  for (const name of ['ALICE', ' alice', 'alice  ', 'ａｌｉｃｅ', 'al\u00adice', 'alice\u200b']) {
    const found = await directory.find(name)
    assert.ok(found === undefined || found.subject === alice.subject, name)
  }
})

test('referrals are not followed and are nobody', { skip }, async () => {
  let asked = 0
  const elsewhere = createServer(socket => {
    asked += 1
    socket.destroy()
  })
  await new Promise<void>(resolve => elsewhere.listen(0, '127.0.0.1', resolve))
  const dn = `cn=away,ou=users,${base}`
  const classes = 'objectClass: referral\nobjectClass: extensibleObject\n'
  const ref = `ref: ${urlOf(elsewhere)}/ou=users,${base}`
  await slapd.change(`dn: ${dn}\nchangetype: add\n${classes}cn: away\n${ref}\n`)
  try {
    const alice = await open().find('alice')
    assert.equal(alice?.username, 'alice')
    assert.equal(await open().find('away'), undefined)
    const below = { ...alice, dn: `uid=alice,${dn}` }
    assert.equal(await open().verify(below, 'alice-test-password'), false)
    assert.equal(asked, 0)
  } finally {
    elsewhere.close()
  }
})

/** Lets the service in, and answers what it asks with as much as it is taken. */
async function endless(answer: Buffer, chunksMax: number) {
  let taken = 0
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(Buffer.from('300c02010261070a010004000400', 'hex'))
      socket.once('data', async () => {
        while (taken < chunksMax && !socket.destroyed) {
          taken += 1
          if (socket.write(answer)) continue
          await new Promise<void>(resolve => {
            socket.once('drain', resolve)
            socket.once('close', () => resolve())
          })
        }
      })
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { server, taken: () => taken }
}

test('an answer that does not end is cut off, as one message or as many', async () => {
  // An entry without a name or attributes, 11 bytes.
  const entry = Buffer.from('3009020103640404003000', 'hex')
  const many = Buffer.concat(Array<Buffer>(95_000).fill(entry))
  const one = Buffer.alloc(1024 * 1024)
  one.write('30847fffffff020103', 'hex')
  for (const answer of [one, many]) {
    const { server, taken } = await endless(answer, 128)
    try {
      const options = { url: urlOf(server), ca: undefined, timeoutMs: 60_000 }
      await assert.rejects(openAt(options).find('alice'), unavailable)
      assert.ok(taken() < 64, `${taken()} MiB were taken`)
    } finally {
      server.close()
    }
  }
})

/** Answers what it is asked, one after the other, whatever that is. */
async function answering(answers: readonly string[]): Promise<Server> {
  const server = createServer(socket => {
    const rest = [...answers]
    socket.on('error', () => {})
    socket.on('data', () => socket.write(Buffer.from(rest.shift() ?? '', 'hex')))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}

test('an answer whose parts are longer than it is none, before TLS and after', async () => {
  // Each kept the process busy for ever, or took all its memory.
  const answers = [
    '3005020101737f',
    '30070201017302047f',
    '30050201016402',
    '300b02010173060484fffffffa',
    '300e02010278070a010004000400a07f',
  ]
  for (const answer of answers) {
    const server = await answering([answer])
    try {
      for (const startTls of [true, false]) {
        const asked = openAt({ url: urlOf(server), ca: undefined, startTls })
        await assert.rejects(asked.find('alice'), unavailable)
      }
    } finally {
      server.close()
    }
  }
})
