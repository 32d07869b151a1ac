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
import { LdapDirectory } from './ldap-directory.ts'
import type { LdapOptions } from './ldap-options.ts'

const skip = slapdMissing()
let slapd: Slapd

before(async () => {
  if (skip === false) slapd = await startSlapd({ uncheckedMax: 300 })
})
after(async () => {
  if (skip === false) await slapd[Symbol.asyncDispose]()
})

function open(given: Partial<LdapOptions> = {}): LdapDirectory {
  const options: LdapOptions = {
    ...{ url: slapd.url, startTls: false, ca: slapd.ca, service: reader },
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

/** Asked without groups, which a test may have made too many. */
async function subjectOf(name: string): Promise<string> {
  const entry = await open({ groupDepth: 0 }).find(name)
  assert.ok(entry !== undefined, name)
  return entry.subject
}

const people = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'twin1', 'twin2']

/** Who was judged, and how, by name. */
async function judged(directory = open(), more: readonly string[] = []) {
  const names = new Map<string, string>()
  for (const name of people) names.set(await subjectOf(name), name)
  const recalled = await together(directory.recall([...names.keys(), ...more]))
  for (const { error } of recalled.unjudged) assert.ok(unavailable(error))
  const nameOf = (subject: string) => names.get(subject) ?? subject
  return {
    there: recalled.entries.map(({ username }) => username).sort(),
    overfull: recalled.overfull.map(nameOf),
    unjudged: recalled.unjudged.map(({ subject }) => nameOf(subject)),
  }
}

function group(cn: string, member: string): string {
  const values = `objectClass: groupOfNames\ncn: ${cn}\nmember: uid=${member},ou=users,${base}`
  return `dn: cn=${cn},ou=groups,${base}\nchangetype: add\n${values}\n\n`
}

async function withGroups<T>(
  { member, count }: { readonly member: string; readonly count: number },
  work: () => Promise<T>,
): Promise<T> {
  const names = Array.from({ length: count }, (_, n) => `many${n}`)
  await slapd.change(names.map(cn => group(cn, member)).join(''))
  try {
    return await work()
  } finally {
    const all = names.map(cn => `dn: cn=${cn},ou=groups,${base}\nchangetype: delete\n\n`)
    await slapd.change(all.join(''))
  }
}

const allBut = (name: string) => people.filter(one => one !== name)

test('who is too much for the limits of the directory holds nobody else up', { skip }, async () => {
  const gone = '00000000-0000-0000-0000-000000000000'
  await withGroups({ member: 'erin', count: 600 }, async () => {
    // adminLimitExceeded, which it says of a moment, too: nothing follows for her.
    const found = await judged(open(), [gone])
    assert.deepEqual(found, { there: allBut('erin'), overfull: [], unjudged: ['erin'] })
    await assert.rejects(open().find('erin'), unavailable)
  })
  assert.deepEqual(await judged(), { there: people, overfull: [], unjudged: [] })
})

test('who is closed is so whatever is said of the groups', { skip }, async () => {
  const dn = `uid=erin,ou=users,${base}`
  const locked = 'replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n-\n'
  const erin = await subjectOf('erin')
  await slapd.change(`dn: ${dn}\nchangetype: modify\n${locked}`)
  await withGroups({ member: 'erin', count: 600 }, async () => {
    const { entries, unjudged } = await together(open().recall([erin]))
    assert.deepEqual([entries[0]?.isActive, unjudged], [false, []])
  })
  await slapd.change(`dn: ${dn}\nchangetype: modify\nreplace: pwdAccountLockedTime\n-\n`)
})

type Fault = number | 'silence' | 'end' | 'garbage'

/** Stands before the directory; what is asked with one of these texts in it gets the fault. */
async function faulty({
  fault,
  texts,
  timeoutMs = 500,
}: {
  readonly fault: Fault
  readonly texts: string[]
  readonly timeoutMs?: number
}) {
  const state = { connections: 0, onFault: () => {} }
  const answer = (socket: Socket, question: Buffer) => {
    state.onFault()
    if (fault === 'silence') return
    if (fault === 'end') return void socket.destroy()
    // A message is `30`, its length in one or more bytes, and the number that the answer repeats.
    const [, length = 0] = question
    const at = (length & 0x80) === 0 ? 4 : 4 + (length & 0x7f)
    const [id = 0, asked = 0] = question.subarray(at)
    // The kind of the answer is the next one after BindRequest, and after that to SearchRequest.
    const kind = asked === 0x60 ? 0x61 : 0x65
    if (fault === 'garbage') socket.write(Buffer.from([0x30, 6, 2, 1, id, 0x64, 0x84, 255]))
    else socket.write(Buffer.from([0x30, 12, 2, 1, id, kind, 7, 10, 1, fault, 4, 0, 4, 0]))
  }
  const server = createServer(socket => {
    state.connections += 1
    const target = connect(Number(new URL(slapd.url).port), '127.0.0.1')
    target.pipe(socket)
    socket.on('data', data => {
      const isHit = texts.some(text => data.includes(text))
      if (isHit) answer(socket, data)
      else target.write(data)
    })
    for (const end of [socket, target]) {
      end.on('error', () => {})
      end.on('close', () => [socket, target].map(one => one.destroy()))
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const options = { url: `ldap://127.0.0.1:${address.port}`, timeoutMs }
  return {
    state,
    directory: open(options),
    [Symbol.asyncDispose]: async () => {
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** timeLimitExceeded, adminLimitExceeded, unwillingToPerform, other. */
const ANSWERS = [3, 11, 53, 80] as const

test('one whose groups cannot be read leaves the others judged', { skip }, async () => {
  for (const fault of [...ANSWERS, 'silence', 'end', 'garbage'] as const) {
    await using proxy = await faulty({ fault, texts: [`uid=dave,ou=users,${base}`] })
    const found = await judged(proxy.directory)
    assert.deepEqual(found, { there: allBut('dave'), overfull: [], unjudged: ['dave'] }, `${fault}`)
  }
  await using proxy = await faulty({ fault: 4, texts: [`uid=dave,ou=users,${base}`] })
  const found = await judged(proxy.directory)
  assert.deepEqual(found, { there: allBut('dave'), overfull: ['dave'], unjudged: [] })
})

test('one whose entry cannot be read leaves the others judged', { skip }, async () => {
  const dave = await subjectOf('dave')
  for (const fault of [...ANSWERS, 'garbage'] as const) {
    await using proxy = await faulty({ fault, texts: [dave] })
    const found = await judged(proxy.directory)
    assert.deepEqual(found, { there: allBut('dave'), overfull: [], unjudged: ['dave'] }, `${fault}`)
  }
})

test('a directory that is down as a whole is not asked again for each', { skip }, async () => {
  const alice = await subjectOf('alice')
  const strangers = Array.from({ length: 99 }, (_, n) => {
    return `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`
  })
  const all = [alice, ...strangers]
  const asked = async (fault: Fault, texts: string[]) => {
    await using proxy = await faulty({ fault, texts })
    await assert.rejects(together(proxy.directory.recall(all)), unavailable)
    return proxy.state.connections
  }
  // A bind that is refused, and one that is not answered; the same for the first question.
  assert.equal(await asked(49, [reader.dn]), 1)
  assert.equal(await asked('silence', [reader.dn]), 1)
  assert.equal(await asked('silence', [alice]), 1)
  // busy, unavailable
  for (const code of [51, 52]) assert.equal(await asked(code, ['uid=alice']), 1)
  // What it says to every question, however few are asked about.
  for (const code of ANSWERS) assert.equal(await asked(code, ['entryUUID']), 32)
})

test('whom it fails for after others is not judged, and is not asked for ever', {
  skip,
}, async () => {
  const alice = await subjectOf('alice')
  const strangers = Array.from({ length: 50 }, (_, n) => {
    return `ffffffff-0000-0000-0000-${String(n).padStart(12, '0')}`
  })
  await using proxy = await faulty({ fault: 11, texts: ['ffffffff-'] })
  const { entries, unjudged } = await together(proxy.directory.recall([alice, ...strangers]))
  assert.deepEqual([entries.length, unjudged.length], [1, 50])
  assert.ok(proxy.state.connections < 50, `${proxy.state.connections}`)
})

test('some who stand beside each other do not end the check of the others', { skip }, async () => {
  const alice = await subjectOf('alice')
  const strangers = Array.from({ length: 99 }, (_, n) => {
    return `${n < 10 ? 'ffffffff' : '00000000'}-0000-0000-0000-${String(n).padStart(12, '0')}`
  })
  await using proxy = await faulty({ fault: 11, texts: ['ffffffff-'] })
  const { entries, unjudged } = await together(proxy.directory.recall([...strangers, alice]))
  assert.deepEqual([entries.length, unjudged.length], [1, 10])
})

test('after the signal nothing more is asked', { skip }, async () => {
  await using proxy = await faulty({ fault: 11, texts: ['entryUUID'] })
  const stop = new AbortController()
  proxy.state.onFault = () => stop.abort()
  await assert.rejects(together(proxy.directory.recall(['one', 'two'], stop.signal)), {
    name: 'AbortError',
  })
  assert.equal(proxy.state.connections, 1)
})

test('the signal ends a question that waits', { skip, timeout: 60_000 }, async () => {
  for (const texts of [[`uid=dave,ou=users,${base}`], [reader.dn]]) {
    await using proxy = await faulty({ fault: 'silence', texts, timeoutMs: 600_000 })
    const stop = new AbortController()
    proxy.state.onFault = () => stop.abort()
    const dave = await subjectOf('dave')
    const asked = together(proxy.directory.recall([dave], stop.signal))
    await assert.rejects(asked, { name: 'AbortError' })
  }
})

test('one who is slow costs the others one wait', { skip }, async () => {
  const subjects = await Promise.all(people.map(subjectOf))
  await using proxy = await faulty({ fault: 'silence', texts: [`uid=dave,ou=users,${base}`] })
  const told: string[][] = []
  for await (const { entries, unjudged } of proxy.directory.recall(subjects)) {
    told.push([...entries.map(({ username }) => username), ...unjudged.map(() => 'nobody')])
  }
  assert.deepEqual(told.slice(0, -1).flat().sort(), allBut('dave'))
  assert.deepEqual([told.at(-1), proxy.state.connections], [['nobody'], 3])
})

test('more groups than are read are no part of them', { skip }, async () => {
  const before = slapd
  slapd = await startSlapd({ uncheckedMax: 5_000 })
  try {
    await withGroups({ member: 'dave', count: 1_000 }, async () => {
      assert.equal((await open().find('dave'))?.groups.length, 2_000)
      assert.deepEqual((await judged()).there, people)
      await slapd.change(group('one-more', 'dave'))
      await assert.rejects(open().find('dave'), unavailable)
      const found = await judged()
      assert.deepEqual(found, { there: allBut('dave'), overfull: ['dave'], unjudged: [] })
    })
  } finally {
    await slapd[Symbol.asyncDispose]()
    slapd = before
  }
})
