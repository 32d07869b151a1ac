import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { DirectoryEntry } from '@holdfast/core/ports/directory.ts'
import { SmtpMailer } from '@holdfast/drivers/mail/smtp-mailer.ts'
import { openSmtpSink } from '@holdfast/testkit/smtp-sink.ts'
import { createShare } from '../../sharing/shares.ts'
import { openTestStore, put, type TestStore, type TestStoreOptions } from '../../test-store.test.ts'
import { MailQueue } from '../mail/mail-queue.ts'
import { requestReset, resetByMail } from '../resets/resets.ts'
import { checkPassword, login } from '../sessions/login.ts'
import { changePassword, createUser } from './users.ts'

/**
 * The hasher has two places and a line of 64: what one person makes it do, as often as they like,
 * must not fill these, or nobody else could log in.
 */

const password = 'Correct-Horse-7-Battery'
const place = ['a', 'b', 'c'] as const
/** More than wait for the hasher at most. */
const MANY = 90
const TOO_MANY = 'TOO_MANY_REQUESTS'

async function withAnn(options: TestStoreOptions = {}): Promise<TestStore> {
  const opened = await openTestStore(options)
  const plain = { password, mustChangePassword: false, roles: ['USER'] }
  const input = { ...plain, username: 'ann', email: 'ann@example.org' }
  await createUser(opened.engine, opened.call, input)
  return opened
}

/** How many of the same work, all asked for at once, come to the hasher at the same time. */
async function mostAtOnce(
  { engine }: TestStore,
  work: () => Promise<unknown>,
): Promise<{ readonly most: number; readonly done: number }> {
  const { hasher } = engine.identity
  let [inside, most, done] = [0, 0, 0]
  const counted = async <T>(asked: () => Promise<T>): Promise<T> => {
    inside += 1
    done += 1
    most = Math.max(most, inside)
    try {
      return await asked()
    } finally {
      inside -= 1
    }
  }
  const { hash, verify } = hasher
  hasher.hash = async given => await counted(async () => await hash.call(hasher, given))
  hasher.verify = async (given, known) => {
    return await counted(async () => await verify.call(hasher, given, known))
  }
  await Promise.allSettled(Array.from({ length: MANY }, work))
  return { most, done }
}

async function keepsNobodyOut(opened: TestStore, work: () => Promise<unknown>): Promise<void> {
  const { most, done } = await mostAtOnce(opened, work)
  assert.equal(most, 1)
  assert.ok(done > 1)
}

test('of whoever holds the token of a reset', async () => {
  await using sink = await openSmtpSink()
  const from = 'holdfast@example.org'
  const mailer = new SmtpMailer({ host: '127.0.0.1', port: sink.port, tls: 'none', from })
  await using opened = await withAnn({
    mails: clock => new MailQueue({ mailer, clock, tell: () => {} }),
  })
  const { engine, call, clock } = opened
  requestReset(engine, { name: 'ann', ip: '203.0.113.7' })
  await clock.advance(1000)
  const token = /^[\w-]{43}$/m.exec((await sink.mail(1)).text)?.[0] ?? assert.fail()
  await keepsNobodyOut(opened, () => resetByMail(engine, call, { token, newPassword: password }))
  await engine.identity.mails?.close()
})

test('of who changes the own password', async () => {
  await using opened = await withAnn()
  const { engine, call } = opened
  const change = { name: 'ann', password, newPassword: password }
  await keepsNobodyOut(opened, () => changePassword(engine, call, change))
})

test('of who makes share links with a password', async () => {
  await using opened = await withAnn()
  const { engine, call } = opened
  const { asset } = await put(opened, 'a.txt', 'one')
  const wanted = { target: { assetId: asset.id }, password: 'long enough' }
  await keepsNobodyOut(opened, () => createShare(engine, call, wanted))
})

async function withCarla(isRight: boolean): Promise<TestStore> {
  const carla: DirectoryEntry = {
    ...{ subject: 'carla', dn: 'uid=carla', username: 'carla', email: null, isActive: true },
    ...{ firstName: '', lastName: '', groups: [], attributes: {} },
  }
  const directory = {
    place: 'ldap://127.0.0.1',
    find: async (name: string) => await Promise.resolve(name === 'carla' ? carla : undefined),
    verify: async () => await Promise.resolve(isRight),
    async *recall(subjects: readonly string[]) {
      yield await Promise.resolve({ subjects, entries: [carla], overfull: [], unjudged: [] })
    },
  }
  const unmapped = { roles: [], permissions: [], groups: [] }
  const rest = { mapping: new Map(), unmapped, maps: '1', recheckSeconds: 60 }
  const outside = { directory: { directory, ...rest } }
  return await withAnn({ outside })
}

test('of who comes from a directory', async () => {
  await using opened = await withCarla(true)
  const given = { name: 'carla', password, place }
  await keepsNobodyOut(opened, () => checkPassword(opened.engine, given))
})

test('a guess that a directory was asked about counts, though the line was full', async () => {
  await using opened = await withCarla(false)
  const { engine } = opened
  engine.identity.hasher.verify = async () => {
    return await Promise.reject(new HoldfastError(TOO_MANY))
  }
  const guess = () => checkPassword(engine, { name: 'carla', password, place })
  for (let n = 0; n < 5; n += 1) await assert.rejects(guess, { code: TOO_MANY })
  await assert.rejects(guess, { code: 'ACCOUNT_LOCKED' })
})

test('of who types what the line of somebody else is called', async () => {
  await using opened = await withAnn()
  const { engine } = opened
  const { id } = (await engine.catalog.view.identities.byName('user', 'ann')) ?? assert.fail()
  for (const line of [id, `shares of ${id}`]) {
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const waiting = Array.from({ length: 20 }, () => engine.identity.turns.take(line, () => held))
    await assert.rejects(
      engine.identity.turns.take(line, () => held),
      { code: TOO_MANY },
    )
    // Were it the same line, it would be full for this one, as it would be for ann the other way.
    const typed = checkPassword(engine, { name: line, password, place })
    await assert.rejects(typed, { code: 'UNAUTHENTICATED' })
    letGo()
    await Promise.all(waiting)
  }
})

test('of who types many names at many addresses, however often', async () => {
  await using opened = await withAnn({ identity: { passwordCost: 6 } })
  const { engine } = opened
  let [refused, isDone, names] = [0, false, 0]
  const again = async (ip: string) => {
    while (!isDone) {
      names += 1
      const tried = login(engine, { name: `nobody ${names}`, password }, { ip, agent: '' })
      await tried.catch(error => {
        if (error.code === TOO_MANY) refused += 1
      })
      await new Promise(setImmediate)
    }
  }
  const addresses = Array.from({ length: 40 }, (_, n) => [`203.0.113.${n}`, `2001:db8:7:${n}::1`])
  const others = addresses.flat().map(again)
  while (refused < MANY) await new Promise(setImmediate)
  const results: string[] = []
  for (let turn = 0; turn < 8; turn += 1) {
    const ann = login(engine, { name: 'ann', password }, { ip: '198.51.100.1', agent: '' })
    results.push(await ann.then(({ user }) => user.username, String))
  }
  isDone = true
  await Promise.all(others)
  assert.deepEqual(
    results,
    Array.from({ length: 8 }, () => 'ann'),
  )
})
