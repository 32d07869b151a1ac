import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import {
  entry,
  message,
  pageControl,
  part,
  success,
} from '@holdfast/testkit/directory/ldap-messages.ts'
import { systemClock } from '../../clock/system-clock.ts'
import { LdapDirectory } from './ldap-directory.ts'

const BIND = 0x60
const SEARCH = 0x63
const PAGED = '1.2.840.113556.1.4.319'

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
  const options = {
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
  return { directory: new LdapDirectory(options, systemClock), sockets, close }
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
