import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Directory, DirectoryEntry } from '@holdfast/core/ports/directory.ts'
import type { OpenIdAttempt } from '@holdfast/core/ports/openid.ts'
import type { Engine } from '../../engine.ts'
import { openTestStore, refused } from '../../test-store.test.ts'
import { login } from '../sessions/login.ts'
import { entryId } from './directory/adopt-entry.ts'
import { recheckDirectory, watchDirectory } from './directory/recheck.ts'
import { standingOf } from './mapping.ts'
import { beginOpenId, finishOpenId, redeemOpenId } from './openid/openid-login.ts'
import { subjectId } from './subject-id.ts'

const origin = { ip: '192.0.2.1', agent: 'test' }
const ann = { name: 'ann', password: 'any' }
const entry: DirectoryEntry = {
  ...{ subject: 'one', dn: 'uid=ann', username: 'ann', email: null, firstName: '', lastName: '' },
  ...{ groups: [], attributes: {}, isActive: true },
}
const boss: DirectoryEntry = { ...entry, groups: ['bosses'] }

/** A directory that answers with what it has at the moment; checks of passwords can be held up. */
function fakeDirectory() {
  const state = {
    entry: entry as DirectoryEntry | undefined,
    recalls: 0,
    checked: () => Promise.resolve(true),
    recalled: () => Promise.resolve(),
  }
  const directory: Directory = {
    place: 'ldap://directory.example.org',
    find: async () => await Promise.resolve(state.entry),
    verify: async () => await state.checked(),
    async *recall(subjects) {
      state.recalls += 1
      const entries = state.entry === undefined ? [] : [state.entry]
      await state.recalled()
      yield { subjects, entries, overfull: [], unjudged: [] }
    },
  }
  const mapping = new Map([['bosses', standingOf(['ADMIN'])]])
  const unmapped = standingOf(['USER'])
  const rest = { mapping, unmapped, maps: '1', recheckSeconds: 60 }
  return { state, outside: { directory: { directory, ...rest } } }
}

async function closedBy(engine: Engine): Promise<string[]> {
  const closed: string[] = []
  engine.identity.counts.onClosed = ({ username }) => closed.push(username)
  assert.deepEqual(await recheckDirectory(engine, new AbortController().signal), [])
  return closed
}

function held<T>(value: T) {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const { promise: reached, resolve: reach } = Promise.withResolvers<undefined>()
  const wait = async () => {
    reach(undefined)
    await promise
    return value
  }
  return { wait, reached, let: () => resolve(undefined) }
}

test('a login does not bring back a role that the directory took away meanwhile', async () => {
  const { state, outside } = fakeDirectory()
  await using opened = await openTestStore({ outside })
  const { engine } = opened
  await login(engine, ann, origin)
  // Asked while she is a boss; the answer is worked on until she is none.
  state.entry = boss
  const gate = held(true)
  state.checked = gate.wait
  const entering = login(engine, ann, origin)
  await gate.reached
  state.entry = entry
  assert.deepEqual(await closedBy(engine), [])
  gate.let()
  const { user } = await entering
  assert.deepEqual(user.roles, ['USER'])
  assert.equal(state.recalls, 2)
})

test('a login does not bring back who was closed in the directory meanwhile', async () => {
  const { state, outside } = fakeDirectory()
  await using opened = await openTestStore({ outside })
  const { engine } = opened
  await login(engine, ann, origin)
  const gate = held(true)
  state.checked = gate.wait
  const entering = login(engine, ann, origin)
  await gate.reached
  state.entry = undefined
  assert.deepEqual(await closedBy(engine), ['ann'])
  gate.let()
  await assert.rejects(entering, refused('ACCOUNT_DISABLED'))
  const user = await engine.catalog.view.identities.byId('user', entryId(entry))
  assert.equal(user?.status, 'INACTIVE')
})

test('a check that was asked before a login shuts nobody out', async () => {
  const { state, outside } = fakeDirectory()
  await using opened = await openTestStore({ outside })
  const { engine } = opened
  await login(engine, ann, origin)
  state.entry = undefined
  const gate = held(undefined)
  state.recalled = gate.wait
  const checking = closedBy(engine)
  await gate.reached
  state.entry = boss
  const { user } = await login(engine, ann, origin)
  assert.deepEqual(user.roles, ['ADMIN'])
  gate.let()
  assert.deepEqual(await checking, [])
  const now = await engine.catalog.view.identities.byId('user', user.id)
  assert.deepEqual([now?.status, now?.roles], ['ACTIVE', ['ADMIN']])
})

test('a round that found no place at the directory asks again after a second', async () => {
  const { state, outside } = fakeDirectory()
  await using opened = await openTestStore({ outside })
  const { engine, clock } = opened
  await login(engine, ann, origin)
  state.entry = undefined
  const stop = new AbortController()
  const closed: string[] = []
  engine.identity.counts.onClosed = ({ username }) => closed.push(username)
  const asleep = clock.sleeping + 1
  state.recalled = () => Promise.reject(new HoldfastError('TOO_MANY_REQUESTS'))
  const watching = watchDirectory(engine, stop.signal)
  while (state.recalls < 1 || clock.sleeping < asleep) await new Promise(setImmediate)
  state.recalled = () => Promise.resolve()
  await clock.advance(1000)
  for (let turn = 0; turn < 1000 && closed.length === 0; turn += 1) {
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  assert.deepEqual(closed, ['ann'])
  stop.abort()
  await watching
})

test('answers that say what is recorded cost no further question', async () => {
  const { state, outside } = fakeDirectory()
  await using opened = await openTestStore({ outside })
  const { engine } = opened
  await login(engine, ann, origin)
  await Promise.all(Array.from({ length: 10 }, () => closedBy(engine)))
  assert.equal(state.recalls, 10)
})

const verifier = 'v'.repeat(43)
const returnTo = 'https://files.example.org/console/'

test('of two logins at a provider at once the second cannot bring back a role', async () => {
  const gate = held({ sub: 'one', roles: ['bosses'] })
  const said: (() => Promise<object>)[] = []
  const openId = {
    provider: {
      place: 'https://idp.example.org',
      addressFor: async ({ state }: OpenIdAttempt) => await Promise.resolve(state),
      finish: async () => await (said.shift() ?? gate.wait)(),
    },
    claims: { name: ['name'], email: ['email'] },
    maps: [{ claim: ['roles'], mapping: new Map([['bosses', standingOf(['ADMIN'])]]) }],
    always: standingOf(['USER']),
    ...{ returnUrls: [returnTo], sessionSeconds: 60, keySeconds: 60 },
  }
  await using opened = await openTestStore({ outside: { openId } })
  const { engine } = opened
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const enter = async () => {
    const { address, binding } = await beginOpenId(engine, { returnTo, challenge, ip: origin.ip })
    return await finishOpenId(engine, { query: `state=${address}`, binding })
  }
  const older = enter()
  await gate.reached
  said.push(async () => await Promise.resolve({ sub: 'one', roles: [] }))
  const code = (await enter()).slice(`${returnTo}#code=`.length)
  gate.let()
  await assert.rejects(older, refused('UNAUTHENTICATED'))
  const id = subjectId('openid https://idp.example.org', 'one')
  const user = await engine.catalog.view.identities.byId('user', id)
  assert.deepEqual(user?.roles, ['USER'])
  assert.equal((await redeemOpenId(engine, { code, verifier })).user.id, id)
  // The next one, alone, is taken as it is.
  said.push(async () => await Promise.resolve({ sub: 'one', roles: ['bosses'] }))
  await enter()
  const next = await engine.catalog.view.identities.byId('user', id)
  assert.deepEqual(next?.roles, ['ADMIN', 'USER'])
})
