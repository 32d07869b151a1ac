import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Group } from '@holdfast/core/identities.ts'
import type { Catalog, CatalogView, Touched } from '@holdfast/core/ports/catalog.ts'
import { rightsNow } from '../../access/rights-now.ts'
import { openTestStore } from '../../test-store.test.ts'
import { createUser, updateUser } from '../users/users.ts'
import { createGroup, removeGroup, updateGroup } from './groups.ts'
import { KnownGroups } from './known-groups.ts'

const password = 'Correct-Horse-7-Battery'

test('groups are read once, however many ask again after a change of somebody', async t => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const person = async (username: string) =>
    await createUser(engine, call, { username, password, roles: ['USER'] })
  const [ann, bob] = [await person('ann'), await person('bob')]
  const { id } = await createGroup(engine, call, { name: 'Team', members: [ann.id] })
  const principal = { ...call.principal, kind: 'user', id: ann.id } as const
  const groups = async () => (await rightsNow(engine, { ...call, principal })).principal.groups
  assert.deepEqual(await groups(), [id])
  const { identities } = engine.catalog.view
  const lists = t.mock.method(identities, 'list')
  const questions = t.mock.method(identities, 'byId')
  const readGroups = () => [
    lists.mock.calls.filter(({ arguments: [query] }) => query.kind === 'group').length,
    questions.mock.calls.filter(({ arguments: [kind] }) => kind === 'group').length,
  ]
  await updateUser(engine, call, { id: bob.id, patch: { firstName: 'Bob' } })
  for (const asked of await Promise.all(Array.from({ length: 20 }, groups))) {
    assert.deepEqual(asked, [id])
  }
  const [listed, looked = 0] = readGroups()
  assert.equal(listed, 0)
  assert.ok(looked <= 3, `${looked} times`)
})

test('who is in which groups is what the catalog says, after any change', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { groups } = engine.identity
  const people: string[] = []
  for (const username of ['ann', 'bob', 'cyd']) {
    people.push((await createUser(engine, call, { username, password, roles: [] })).id)
  }
  const [ann = '', bob = '', cyd = ''] = people
  const compare = async () => {
    const all = await engine.catalog.view.identities.list({ kind: 'group', limit: 100 })
    for (const id of [...people, 'nobody']) {
      for (const names of [[], ['one'], ['two', 'one', 'none']]) {
        const held = all.filter(group => group.members.includes(id) || hasName(group, names))
        const expected = held.map(group => group.id).sort()
        assert.deepEqual(await groups.of(id, names), expected, `${id} ${names.join()}`)
      }
    }
  }
  await compare()
  const one = await createGroup(engine, call, { name: 'One', members: [ann, bob] })
  await compare()
  const two = await createGroup(engine, call, { name: 'two', members: [bob] })
  await compare()
  await updateGroup(engine, call, { id: one.id, removed: [ann], added: [cyd] })
  await compare()
  // Names that change hands, asked about only afterwards.
  await updateGroup(engine, call, { id: one.id, name: 'three' })
  await updateGroup(engine, call, { id: two.id, name: 'ONE' })
  await updateGroup(engine, call, { id: one.id, name: 'two' })
  await compare()
  await removeGroup(engine, call, two.id)
  await compare()
  await removeGroup(engine, call, one.id)
  await compare()
})

function hasName({ name }: Group, names: readonly string[]): boolean {
  return names.includes(name.toLowerCase())
}

/** Groups whose reading waits for the test. */
function slowCatalog() {
  const records = new Map<string, Group>()
  const gates: PromiseWithResolvers<void>[] = []
  let tell: (touched: Touched) => void = () => {}
  const gated = async <T>(answer: T): Promise<T> => {
    const gate = Promise.withResolvers<void>()
    gates.push(gate)
    await gate.promise
    return answer
  }
  const identities = {
    list: async () => await gated([...records.values()]),
    byId: async (_: string, id: string) => await gated(records.get(id)),
  }
  const view = { identities } as unknown as CatalogView
  const watch: Catalog['watch'] = watcher => {
    tell = watcher
    return () => {}
  }
  const asked = async () => {
    for (let turns = 0; gates.length === 0; turns += 1) {
      assert.ok(turns < 100, 'nothing is read')
      await new Promise(resolve => setImmediate(resolve))
    }
    return gates.shift()
  }
  return {
    catalog: { view, watch },
    set: (id: string, members: readonly string[] | undefined) => {
      if (members === undefined) records.delete(id)
      else records.set(id, { id, name: id, members } as unknown as Group)
      tell({ assets: [], records: { identities: [id] } })
    },
    asked,
    pass: async () => (await asked())?.resolve(),
    fail: async () => (await asked())?.reject(new Error('unreadable')),
  }
}

test('what changes while groups are read is known to who asks then', async () => {
  const { catalog, set, asked, pass } = slowCatalog()
  const groups = new KnownGroups(catalog)
  set('a', ['ann'])
  const first = groups.of('ann', [])
  const listed = await asked()
  set('a', undefined)
  set('b', ['ann'])
  const then = Promise.all([groups.of('ann', []), groups.of('ann', [])])
  listed?.resolve()
  assert.deepEqual(await first, ['a'])
  const looked = await asked()
  set('c', ['ann'])
  const later = groups.of('ann', [])
  looked?.resolve()
  await pass()
  assert.deepEqual(await then, [['b'], ['b']])
  await pass()
  assert.deepEqual(await later, ['b', 'c'])
})

test('a read that failed fails its question, and the next one reads anew', async () => {
  const { catalog, set, pass, fail } = slowCatalog()
  const groups = new KnownGroups(catalog)
  set('a', ['ann'])
  const first = groups.of('ann', [])
  await Promise.all([assert.rejects(first, /unreadable/), fail()])
  const second = groups.of('ann', [])
  await pass()
  assert.deepEqual(await second, ['a'])
  set('b', ['ann'])
  const third = groups.of('ann', [])
  await Promise.all([assert.rejects(third, /unreadable/), fail()])
  const fourth = groups.of('ann', [])
  await pass()
  assert.deepEqual(await fourth, ['a', 'b'])
})

test('of more changes than are remembered none is missed', async () => {
  const { catalog, set, pass } = slowCatalog()
  const groups = new KnownGroups(catalog)
  const empty = groups.of('ann', [])
  await pass()
  assert.deepEqual(await empty, [])
  for (let n = 0; n < 3000; n += 1) set(`group-${n}`, n === 2999 ? ['ann'] : undefined)
  const asked = groups.of('ann', [])
  await pass()
  assert.deepEqual(await asked, ['group-2999'])
})
