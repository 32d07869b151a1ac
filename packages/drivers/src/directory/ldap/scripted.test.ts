import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { together } from '@holdfast/core/ports/directory.ts'
import {
  entry,
  message,
  pageControl,
  part,
  success,
} from '@holdfast/testkit/directory/ldap-messages.ts'
import { systemClock } from '../../clock/system-clock.ts'
import { LdapDirectory } from './ldap-directory.ts'
import type { LdapOptions } from './ldap-options.ts'

const BIND = 0x60
const SEARCH = 0x63
const PAGED = '1.2.840.113556.1.4.319'
/** Connections that stay would be waited for without an end. */
const timeout = 30_000

interface Asked {
  readonly id: number
  readonly operation: number | undefined
  readonly isPaged: boolean
  readonly bytes: Buffer
}

/** A directory of our own making. The library sends each question at once, and in one piece. */
async function scripted(answer: (asked: Asked, socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', bytes => answer(askedIn(bytes), socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const options: LdapOptions = {
    ...{ url: `ldap://127.0.0.1:${address.port}`, startTls: false, ca: undefined },
    service: { dn: 'cn=reader', password: 'reader' },
    ...{ userBase: 'dc=x', userObjectClass: 'person', usernameAttribute: 'uid' },
    ...{ emailAttribute: 'mail', firstNameAttribute: 'givenName', lastNameAttribute: 'sn' },
    ...{ attributeMap: {}, idAttribute: 'entryUUID', activeFilter: undefined },
    ...{ groupBase: 'dc=x', groupObjectClasses: ['group'], memberAttributes: ['member'] },
    ...{ groupDepth: 1, timeoutMs: 300 },
  }
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  const open = (given: Partial<LdapOptions> = {}) => {
    return new LdapDirectory({ ...options, ...given }, systemClock)
  }
  return { open, directory: open(), sockets, close }
}

function askedIn(bytes: Buffer): Asked {
  const at = (bytes[1] ?? 0) < 128 ? 2 : 2 + ((bytes[1] ?? 0) & 127)
  const size = bytes[at + 1] ?? 0
  const id = bytes.readUIntBE(at + 2, size)
  const isPaged = bytes.includes(PAGED)
  return { id, operation: bytes[at + 2 + size], isPaged, bytes }
}

const ann = entry('uid=ann,dc=x', { uid: 'ann', entryUUID: 'u-1' })
const done = part(0x65, ...success)

/** Lets everybody in, and knows Ann; her groups are told by `groups`. */
function knowsAnn(groups: (asked: Asked, socket: Socket) => void) {
  return (asked: Asked, socket: Socket) => {
    const { id, operation, isPaged } = asked
    if (operation === BIND) socket.write(message(id, part(0x61, ...success)))
    else if (operation !== SEARCH) socket.end()
    else if (isPaged) groups(asked, socket)
    else socket.write(Buffer.concat([message(id, ann), message(id, done)]))
  }
}

function group(cn: string): Buffer {
  return entry(`cn=${cn}`, { cn })
}

test('a page that holds nothing is not the last one where a cookie follows', async () => {
  const pages = [['a'], [], [], ['b', 'c']]
  let asked = 0
  const server = await scripted(
    knowsAnn(({ id, bytes }, socket) => {
      const cookie = asked === 0 ? '' : `page ${asked}`
      assert.ok(bytes.includes(part(0x04, Buffer.from(cookie))), cookie)
      const found = (pages[asked] ?? []).map(cn => message(id, group(cn)))
      asked += 1
      const next = pageControl(asked === pages.length ? '' : `page ${asked}`)
      socket.write(Buffer.concat([...found, message(id, done, part(0xa0, next))]))
    }),
  )
  try {
    const found = await server.directory.find('ann')
    assert.deepEqual(found?.groups, ['a', 'b', 'c', 'cn=a', 'cn=b', 'cn=c'])
    assert.equal(asked, pages.length)
  } finally {
    server.close()
  }
})

test('a directory that knows no pages gives all at once', async () => {
  const server = await scripted(
    knowsAnn(({ id }, socket) => {
      socket.write(Buffer.concat([message(id, group('a')), message(id, done)]))
    }),
  )
  try {
    assert.deepEqual((await server.directory.find('ann'))?.groups, ['a', 'cn=a'])
  } finally {
    server.close()
  }
})

test('an error for one person says nothing of the directory, also where nobody searches', {
  timeout,
}, async () => {
  const adminLimitExceeded = [part(0x0a, Buffer.from([11])), part(0x04), part(0x04)]
  const server = await scripted(({ id, isPaged, bytes }, socket) => {
    if (bytes.includes('u-2')) socket.write(message(id, part(0x65, ...adminLimitExceeded)))
    else socket.write(Buffer.concat([...(isPaged ? [] : [message(id, ann)]), message(id, done)]))
  })
  try {
    const { entries, unjudged } = await together(
      server.open({ service: undefined }).recall(['u-1', 'u-2']),
    )
    assert.deepEqual(
      entries.map(({ username }) => username),
      ['ann'],
    )
    assert.deepEqual(
      unjudged.map(({ subject }) => subject),
      ['u-2'],
    )
  } finally {
    server.close()
  }
})

test('a question that takes too long asks no more and keeps no connection', {
  timeout,
}, async () => {
  let pages = 0
  const server = await scripted(
    knowsAnn(({ id }, socket) => {
      // Each in its time, and no end of them.
      setTimeout(() => {
        pages += 1
        const next = part(0xa0, pageControl(`page ${pages}`))
        socket.write(Buffer.concat([message(id, group('a')), message(id, done, next)]))
      }, 200)
    }),
  )
  try {
    const questions = Array.from({ length: 8 }, () => server.directory.find('ann'))
    for (const one of await Promise.allSettled(questions)) assert.ok(unavailable(one))
    await Promise.all([...server.sockets].map(socket => once(socket, 'close')))
    assert.equal(server.sockets.size, 0)
  } finally {
    server.close()
  }
})

test('a directory that never finishes TLS is left', { timeout }, async () => {
  const server = await scripted(({ id }, socket) => {
    if (id === 2) socket.write(message(id, part(0x78, ...success)))
  })
  try {
    const directory = server.open({ startTls: true })
    assert.ok(unavailable((await Promise.allSettled([directory.find('ann')]))[0]))
    await Promise.all([...server.sockets].map(socket => once(socket, 'close')))
  } finally {
    server.close()
  }
})

function unavailable(result: PromiseSettledResult<unknown> | undefined): boolean {
  const error = result?.status === 'rejected' ? result.reason : undefined
  return isHoldfastError(error) && error.code === 'IDENTITY_UNAVAILABLE'
}
