import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Principal } from '@holdfast/core/principal.ts'
import { countTurns } from './counted-turns.test.ts'
import { ListTurns, type TurnQuery } from './list-turns.ts'
import { listObjects } from './objects/list-objects.ts'
import { callOf, openTestStore, put, refused } from './test-store.test.ts'

const { signal } = new AbortController()
const principalOf = (id: string): Principal => {
  return { kind: 'user', id, name: id, permissions: [], buckets: null }
}
const principal = principalOf('a')

it('lists that show little go on one at a time, one in each turn of the event loop', async () => {
  const lists = new ListTurns()
  const counted = countTurns()
  const turns: number[] = []
  const one = async (name: string) => {
    let step = 0
    return await lists.collect({ signal, principal }, 3, ({ from, limit }: TurnQuery) => {
      assert.equal(from, step === 0 ? undefined : `${name}${step}`)
      if (step > 0) turns.push(counted.now())
      step += 1
      assert.equal(limit, step > 4 ? 2 : 3)
      const entries = step === 4 ? [name] : []
      return step === 6 ? { entries } : { entries, stopped: `${name}${step}` }
    })
  }
  await Promise.all(['a', 'b', 'c'].map(one))
  counted.stop()
  assert.equal(turns.length, 15)
  assert.equal(new Set(turns).size, 15, 'two of them in one turn')
})

it('long pages are made one in a turn, short ones at once', async () => {
  const lists = new ListTurns()
  const turnsOf = async (limit: number) => {
    const counted = countTurns()
    const turns: number[] = []
    const ask = () => {
      turns.push(counted.now())
      return { entries: ['k'] }
    }
    const call = { signal, principal }
    await Promise.all(Array.from({ length: 5 }, () => lists.collect(call, limit, ask)))
    counted.stop()
    return new Set(turns).size
  }
  assert.equal(await turnsOf(1001), 5)
  assert.equal(await turnsOf(100), 1)
})

it('a short page is one piece with the record behind it, and a long one several', async () => {
  const lists = new ListTurns()
  const all = Array.from({ length: 1500 }, (_, at) => at)
  const turnsFor = async (limit: number) => {
    let turns = 1
    const giveWay = async () => {
      turns += 1
    }
    const found = await lists.inPieces<number>(giveWay, limit, (wanted, before) => {
      return all.slice(before.length, before.length + wanted)
    })
    assert.deepEqual(found, all.slice(0, limit))
    return turns
  }
  assert.equal(await turnsFor(101), 1)
  assert.equal(await turnsFor(102), 2)
  assert.equal(await turnsFor(1001), 10)
})

it('many things are done in slices, one in a turn, and a few at once', async () => {
  const lists = new ListTurns()
  const turnsOf = async (length: number) => {
    const counted = countTurns()
    const times = new Map<number, number>()
    const work = async (item: number) => {
      times.set(counted.now(), (times.get(counted.now()) ?? 0) + 1)
      return item
    }
    const items = Array.from({ length }, (_, at) => at)
    const call = { signal, principal }
    const done = await Promise.all([1, 2, 3].map(() => lists.inSlices(call, items, work)))
    counted.stop()
    assert.deepEqual(done, [items, items, items])
    return [...times.values()]
  }
  assert.deepEqual(await turnsOf(20), [8, 8, 8, 8, 8, 8, 4, 4, 4])
  assert.deepEqual(await turnsOf(8), [24])
})

it('what fails in an early slice is told at the end, and ends nothing else', async () => {
  const items = Array.from({ length: 40 }, (_, at) => at)
  const unheard: unknown[] = []
  const hear = (reason: unknown) => void unheard.push(reason)
  process.on('unhandledRejection', hear)
  const call = { signal, principal }
  const work = async (item: number) => {
    if (item === 3) throw new Error('a damaged page')
    return item
  }
  await assert.rejects(new ListTurns().inSlices(call, items, work), { message: 'a damaged page' })
  await new Promise(resolve => setImmediate(resolve))
  process.off('unhandledRejection', hear)
  assert.deepEqual(unheard, [])
})

it('slices that nobody waits for any more take no turns of others', async () => {
  const lists = new ListTurns()
  const client = new AbortController()
  const items = Array.from({ length: 800 }, (_, at) => at)
  let done = 0
  const work = async () => {
    done += 1
  }
  const gone = Array.from({ length: 20 }, () =>
    lists.inSlices({ signal: client.signal, principal }, items, work),
  )
  client.abort()
  const counted = countTurns()
  await lists.next(principal.id)
  counted.stop()
  assert.ok(counted.now() < 40, `${counted.now()} turns`)
  await Promise.all(gone)
  assert.equal(done, 20 * 800)
})

it('who asks for many lists holds up only those', async () => {
  const lists = new ListTurns()
  const steps: string[] = []
  const one = async (id: string) => {
    let step = 0
    const call = { signal, principal: principalOf(id) }
    return await lists.collect(call, 1, () => {
      if (step > 0) steps.push(id)
      step += 1
      return step === 4 ? { entries: [] } : { entries: [], stopped: `${step}` }
    })
  }
  await Promise.all([...Array.from({ length: 50 }, () => one('many')), one('single')])
  assert.equal(steps.length, 51 * 3)
  assert.ok(steps.lastIndexOf('single') < 7, steps.slice(0, 60).join(' '))
})

it('long questions are asked one by one, callers in turn', async () => {
  const lists = new ListTurns()
  const asked: string[] = []
  let running = 0
  const one = async (id: string) =>
    await lists.oneByOne(callOf({ id }), async () => {
      running += 1
      assert.equal(running, 1)
      asked.push(id)
      await new Promise(resolve => setImmediate(resolve))
      running -= 1
      return id
    })
  const many = Array.from({ length: 20 }, () => one('many'))
  assert.equal((await Promise.all([...many, one('single')])).length, 21)
  assert.ok(asked.indexOf('single') <= 2, asked.join(' '))
  const failing = lists.oneByOne(callOf({}), () => Promise.reject(new Error('failed')))
  await assert.rejects(failing, /failed/)
  assert.equal(await one('after'), 'after', 'one that fails holds up none')
})

it('of who asks too many long questions some are refused, and nobody else', async () => {
  const lists = new ListTurns()
  const ending = Promise.withResolvers<void>()
  const ask = (id: string) => lists.oneByOne(callOf({ id }), () => ending.promise)
  const many = Promise.allSettled(Array.from({ length: 140 }, () => ask('many')))
  const single = ask('single')
  ending.resolve()
  await single
  const refusals = (await many).filter(one => one.status === 'rejected')
  assert.equal(refusals.length, 12)
  assert.ok(refusals.every(({ reason }) => refused('TOO_MANY_REQUESTS')(reason)))
})

it('a long question nobody waits for any more is not begun', async () => {
  const lists = new ListTurns()
  const ending = Promise.withResolvers<void>()
  const client = new AbortController()
  const first = lists.oneByOne(callOf({}), () => ending.promise)
  const left = lists.oneByOne({ ...callOf({}), signal: client.signal }, () => assert.fail('begun'))
  const last = lists.oneByOne(callOf({}), () => 'answered')
  client.abort()
  ending.resolve()
  await first
  await assert.rejects(left, { name: 'AbortError' })
  assert.equal(await last, 'answered')
})

it('a list nobody waits for any more ends', async () => {
  const client = new AbortController()
  let asked = 0
  const listing = new ListTurns().collect({ signal: client.signal, principal }, 1, () => {
    asked += 1
    if (asked === 3) client.abort()
    return { entries: [], stopped: 'k' }
  })
  await assert.rejects(listing, { name: 'AbortError' })
  assert.equal(asked, 3)
})

it('what is shown behind many hidden keys is found, page by page', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  const { view } = engine.catalog
  const bucket = 'photos'
  const hidden = { acl: { read: [], write: [] } }
  for (let at = 0; at < 40; at += 1) {
    const key = `k${String(at).padStart(2, '0')}`
    await put(opened, key, key, at % 13 === 12 ? {} : hidden)
  }
  const { id: bucketId = '' } = (await view.buckets.byName(bucket)) ?? {}
  const about = { bucketId, visibleTo: 'somebody', limit: 2 }
  const first = await view.objects.list({ ...about, looksMax: 1 })
  assert.deepEqual(first.entries, [], 'it looks no further than it may')
  assert.ok(first.stopped !== undefined)
  const reader = callOf({ kind: 'user', id: 'r', name: 'r', permissions: ['assets:read'] })
  const page = await listObjects(engine, reader, { bucket, limit: 2 })
  assert.deepEqual([page.objects.map(one => one.asset.key), page.next], [['k12', 'k25'], 'k25'])
})

it('a long page is read in several turns, whatever is shown of it', async () => {
  await using opened = await openTestStore()
  const { view } = opened.engine.catalog
  const keys = Array.from({ length: 30 }, (_, at) => `k${String(at).padStart(2, '0')}`)
  for (const key of keys) await put(opened, key, key)
  const { id: bucketId = '' } = (await view.buckets.byName('photos')) ?? {}
  const found: string[] = []
  let from: string | undefined
  let turns = 0
  do {
    const start = from === undefined ? {} : { from }
    const page = await view.objects.list({ bucketId, limit: 1001, looksMax: 8, ...start })
    assert.ok(page.entries.length <= 8, `${page.entries.length} at once`)
    found.push(...page.entries.map(({ asset }) => asset?.key ?? ''))
    from = page.stopped
    turns += 1
  } while (from !== undefined)
  assert.deepEqual(found, keys)
  assert.equal(turns, 4)
})

it('strangers give way by address', async () => {
  const lists = new ListTurns()
  const order: string[] = []
  const one = async (address: string) => {
    const call = { ...callOf({ kind: 'anonymous', id: 'anonymous' }), address }
    await lists.giveWay(call)()
    order.push(address)
  }
  const many = Array.from({ length: 20 }, () => one('2001:db8::1'))
  await Promise.all([...many, one('2001:db8:0:1::1')])
  assert.ok(order.indexOf('2001:db8:0:1::1') <= 2, order.join(' '))
})

it('steps leave turns to what comes from outside as long as it comes, but not for ever', async () => {
  const gaps = async (coming: number) => {
    const counted = countTurns()
    // One in each turn, as the system hands over connections.
    const lists = new ListTurns(() => Math.min(counted.now(), coming))
    const turns: number[] = []
    const giveWay = lists.giveWay({ signal, principal })
    const one = async () => {
      await giveWay()
      turns.push(counted.now())
    }
    await Promise.all([one(), one(), one(), one()])
    counted.stop()
    return turns.slice(1).map((turn, at) => turn - (turns[at] ?? 0))
  }
  assert.deepEqual(await gaps(0), [1, 1, 1])
  assert.deepEqual(await gaps(1000), [16, 16, 16])
  const [first = 0, ...others] = await gaps(8)
  assert.ok(first >= 7 && first <= 9, `${first}`)
  assert.deepEqual(others, [1, 1])
})
