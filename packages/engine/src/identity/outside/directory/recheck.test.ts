import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { Directory, DirectoryEntry, Recalled } from '@holdfast/core/ports/directory.ts'
import { openTestStore, refused } from '../../../test-store.test.ts'
import { mayAct } from '../../principal-of-user.ts'
import { login, refresh } from '../../sessions/login.ts'
import { standingOf } from '../mapping.ts'
import { adoptEntry, entryId } from './adopt-entry.ts'
import type { OutsideDirectory } from './outside-directory.ts'
import { watchDirectory } from './recheck.ts'

const origin = { ip: '192.0.2.1', agent: 'test' }
const failure = new HoldfastError('IDENTITY_UNAVAILABLE', {}, { cause: new Error('too slow') })

function entryOf(username: string): DirectoryEntry {
  const names = { subject: `id of ${username}`, dn: `uid=${username}`, username, email: null }
  const rest = { firstName: '', lastName: '', groups: [], attributes: {}, isActive: true }
  return { ...names, ...rest }
}

/** Tells of everybody but those whom a test names. */
function fakeDirectory() {
  const state = {
    gone: new Set<string>(),
    overfull: new Set<string>(),
    unjudged: new Set<string>(),
    isDown: false,
    /** Before it tells of those of whom it cannot. */
    onSlow: () => Promise.resolve(),
    /** What entries say other than by their names. */
    said: new Map<string, Partial<DirectoryEntry>>(),
    /** How many it was asked about. */
    asked: [] as number[],
  }
  const nameIn = (subject: string) => subject.slice('id of '.length)
  const told = (name: string) => ({ ...entryOf(name), ...state.said.get(name) })
  const directory: Directory = {
    place: 'ldap://directory.example.org',
    find: async name => await Promise.resolve(told(name)),
    verify: async () => await Promise.resolve(true),
    async *recall(subjects): AsyncGenerator<Recalled> {
      state.asked.push(subjects.length)
      if (state.isDown) throw await Promise.resolve(failure)
      const named = (names: Set<string>) => subjects.filter(one => names.has(nameIn(one)))
      const [overfull, unjudged] = [named(state.overfull), named(state.unjudged)]
      const none = new Set([...overfull, ...unjudged, ...named(state.gone)])
      const entries = subjects.filter(one => !none.has(one)).map(one => told(nameIn(one)))
      const quick = subjects.filter(one => !unjudged.includes(one))
      yield { subjects: quick, entries, overfull, unjudged: [] }
      if (unjudged.length === 0) return
      await state.onSlow()
      const slow = unjudged.map(subject => ({ subject, error: failure }))
      yield { subjects: unjudged, entries: [], overfull: [], unjudged: slow }
    },
  }
  const unmapped = standingOf(['USER'])
  const outside = { directory, mapping: new Map(), unmapped, maps: 'now', recheckSeconds: 60 }
  return { state, outside }
}

async function until(isOver: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000 && !isOver(); turn += 1) {
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  assert.ok(isOver(), 'the round did not end')
}

/** A store that knows those, and its rounds. */
async function opened(names: readonly string[]) {
  const { state, outside } = fakeDirectory()
  const told: unknown[] = []
  const onProblem = (_: string, error: unknown) => told.push(error)
  const store = await openTestStore({ outside: { directory: outside, onProblem } })
  const { engine, clock } = store
  for (const name of names) await adoptEntry(engine, outside, entryOf(name))
  const stop = new AbortController()
  const closed: string[] = []
  engine.identity.counts.onClosed = ({ username }, reason) => closed.push(`${username}: ${reason}`)
  const asleep = clock.sleeping + 1
  const watching = watchDirectory(engine, stop.signal)
  // The first round is at once.
  await until(() => clock.sleeping >= asleep)
  const round = async () => {
    closed.splice(0)
    told.splice(0)
    state.asked.splice(0)
    await clock.advance(60_000)
    await until(() => state.asked.length > 0 && clock.sleeping >= asleep)
    return { closed: [...closed].sort(), told: [...told], asked: [...state.asked] }
  }
  const statusOf = async (name: string) => {
    const id = entryId(entryOf(name))
    return (await engine.catalog.view.identities.byId('user', id))?.status
  }
  const counted = () => engine.identity.counts.checks.get(outside.directory.place)
  return {
    ...{ engine, state, round, statusOf, counted },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await watching
      await store[Symbol.asyncDispose]()
    },
  }
}

test('of whom the directory cannot tell stays as it is, and holds nobody else up', async () => {
  const names = Array.from({ length: 130 }, (_, n) => `person-${n}`)
  await using store = await opened(names)
  const { state, engine, round, statusOf } = store
  const { tokens } = await login(engine, { name: 'person-0', password: 'any' }, origin)
  state.unjudged = new Set(names.slice(0, 12))
  state.gone = new Set(['person-20', 'person-129'])
  const { closed, told, asked } = await round()
  const gone = 'closed or gone in the directory'
  assert.deepEqual(closed, [`person-129: ${gone}`, `person-20: ${gone}`])
  assert.deepEqual([asked, await statusOf('person-0')], [[100, 30], 'ACTIVE'])
  // Once for the round, with some of the names and a reason.
  const [problem, ...more] = told
  assert.ok(isHoldfastError(problem) && more.length === 0)
  assert.deepEqual([problem.details.count, problem.cause], [12, failure.cause])
  assert.ok(Array.isArray(problem.details.users) && problem.details.users.length === 10)
  // One alone is not let on, and nothing is used up.
  const token = tokens.refreshToken
  await assert.rejects(refresh(engine, token, origin), refused('IDENTITY_UNAVAILABLE'))
  state.unjudged = new Set()
  assert.deepEqual((await round()).told, [])
  await refresh(engine, token, origin)
  assert.deepEqual(store.counted(), { success: 2, partial: 1, failed: 0 })
})

test('who is told of is out at once, and the slow ones are asked about last', async () => {
  await using store = await opened(['ann', 'ben', 'carl', 'dora'])
  const { state, round, statusOf } = store
  state.unjudged = new Set(['ann', 'carl'])
  assert.deepEqual((await round()).asked, [4])
  state.gone = new Set(['dora'])
  const seen: unknown[] = []
  state.onSlow = async () => void seen.push(await statusOf('dora'))
  assert.deepEqual((await round()).asked, [2, 1, 1])
  assert.deepEqual([...seen], ['INACTIVE', 'INACTIVE'])
  // Asked with all others again, once it could tell.
  state.unjudged = new Set()
  assert.deepEqual((await round()).asked, [1, 1, 1])
  state.unjudged = new Set(['ben'])
  state.gone = new Set(['ann'])
  seen.splice(0)
  state.onSlow = async () => void seen.push(await statusOf('ann'))
  assert.deepEqual([(await round()).asked, seen], [[3], ['INACTIVE']])
})

test('of whom too much is told is out, and told as such', async () => {
  await using store = await opened(['ann', 'ben'])
  store.state.overfull = new Set(['ann'])
  const { closed, told } = await store.round()
  assert.deepEqual(told, [])
  assert.deepEqual(closed, ['ann: the directory tells more groups or attributes than can be read'])
  assert.deepEqual(
    [await store.statusOf('ann'), await store.statusOf('ben')],
    ['INACTIVE', 'ACTIVE'],
  )
})

test('a directory that is down is asked once in a round, and told once', async () => {
  const names = Array.from({ length: 130 }, (_, n) => `person-${n}`)
  await using store = await opened(names)
  store.state.isDown = true
  const { closed, told, asked } = await store.round()
  assert.deepEqual([closed, told, asked], [[], [failure], [100]])
  assert.deepEqual(store.counted(), { success: 1, partial: 0, failed: 1 })
})

test('rights by former settings end at once, and are given anew by the first round', async () => {
  const { state, outside } = fakeDirectory()
  await using store = await openTestStore({ outside: { directory: outside } })
  const { engine, clock } = store
  const { maps: _, ...unmarked } = outside
  const former = { ...outside, maps: 'before', unmapped: standingOf(['ADMIN']) }
  const recorded = async (name: string) => {
    const user = await engine.catalog.view.identities.byId('user', entryId(entryOf(name)))
    return { user, may: mayAct(engine, user), roles: user?.roles }
  }
  for (const name of ['ann', 'ben']) await adoptEntry(engine, former, entryOf(name))
  const { tokens } = await login(engine, { name: 'carl', password: 'any' }, origin)
  // Of a version that kept no mark: as the record says, until the first round.
  await adoptEntry(engine, unmarked as unknown as OutsideDirectory, entryOf('dora'))
  await adoptEntry(engine, former, entryOf('carl'))
  const whoMay = async () => {
    const all = await Promise.all(['ann', 'ben', 'carl', 'dora'].map(recorded))
    return all.map(({ may, roles }) => [may, ...(roles ?? [])])
  }
  const [out, back] = [
    [false, 'ADMIN'],
    [true, 'USER'],
  ]
  assert.deepEqual(await whoMay(), [out, out, out, back])
  // Who comes sooner is asked for alone.
  await refresh(engine, tokens.refreshToken, origin)
  assert.deepEqual(await whoMay(), [out, out, back, back])
  state.gone = new Set(['ben'])
  const stop = new AbortController()
  const asleep = clock.sleeping
  const watching = watchDirectory(engine, stop.signal)
  await until(() => clock.sleeping > asleep)
  assert.deepEqual(await whoMay(), [back, out, back, back])
  assert.equal((await recorded('ben')).user?.status, 'INACTIVE')
  assert.equal((await recorded('dora')).user?.outside?.maps, 'now')
  stop.abort()
  await watching
})

test('who shares an address or a user name takes it from nobody at each check', async () => {
  await using store = await opened(['ann', 'ben', 'carl', 'carl2', 'office@example.org'])
  const { state, engine, round } = store
  const { catalog } = engine
  const office = { email: 'office@example.org' }
  const desk = { email: 'Desk@example.org' }
  for (const name of ['ann', 'ben']) state.said.set(name, desk)
  state.said.set('carl', office)
  state.said.set('carl2', { username: 'carl', ...office })
  const namesOf = async (name: string) => {
    return (await catalog.view.identities.byId('user', entryId(entryOf(name))))?.names.join(' ')
  }
  const all = async () => {
    return await Promise.all(['ann', 'ben', 'carl', 'carl2', 'office@example.org'].map(namesOf))
  }
  await round()
  const before = await all()
  const { write } = catalog
  const written: string[] = []
  const counted = async (...args: Parameters<typeof write>) => {
    written.push(args[0])
    return await write.apply(catalog, args)
  }
  Object.assign(catalog, { write: counted })
  for (let n = 0; n < 3; n += 1) await round()
  assert.deepEqual([written, await all()], [[], before])
  assert.deepEqual(before.slice(2), ['carl', '', office.email])
  const [first, second] = before[0] === 'ann' ? ['ben', 'ann'] : ['ann', 'ben']
  assert.deepEqual(
    [await namesOf(first), await namesOf(second)],
    [`${first} ${desk.email.toLowerCase()}`, second],
  )
  // Who has it no longer, there or by being gone, leaves it to the other one.
  state.said.delete(first)
  state.gone.add('carl')
  await round()
  await round()
  assert.deepEqual(await Promise.all([first, second, 'carl2'].map(namesOf)), [
    ...[first, `${second} ${desk.email.toLowerCase()}`, 'carl'],
  ])
})
