import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { startS3 } from '../../doors/s3/started-s3.test.ts'
import { startServer } from '../../started-server.test.ts'
import { TurnBudget } from './turn-budget.ts'

class ByHand {
  ms = 0
  monotonic(): number {
    return this.ms
  }
}

test('what comes in a turn that was long already begins in the next, callers in turn', async () => {
  const clock = new ByHand()
  const turns = new TurnBudget(clock)
  const done: string[] = []
  let turn = 0
  const work = async (caller: string, ms: number) => {
    const waiting = turns.take(() => caller)
    if (waiting !== undefined) await waiting
    // Of promises that are due at once.
    for (let at = 0; at < 5; at += 1) await undefined
    clock.ms += ms
    done.push(`${turn} ${caller}`)
  }
  const works: Promise<void>[] = []
  // Each in a callback of its own, as requests of several connections come.
  const begin = async (caller: string, ms: number) => {
    works.push(work(caller, ms))
    for (let at = 0; at < 9; at += 1) await undefined
  }
  for (let at = 0; at < 3; at += 1) await begin('a', 8)
  assert.deepEqual(done, ['0 a', '0 a', '0 a'], 'all of a short turn at once')
  for (const caller of ['a', 'a', 'a', 'b', 'c']) await begin(caller, 15)
  assert.equal(done.length, 3, 'the turn has become long')
  for (; done.length < 8 && turn < 20; turn += 1) await nextTurn()
  assert.deepEqual(
    done.slice(3).map(text => text.split(' ')[1]),
    ['a', 'b', 'c', 'a', 'a'],
  )
  const perTurn = Map.groupBy(done.slice(3), text => text.split(' ')[0])
  assert.deepEqual(
    [...perTurn.values()].map(list => list.length),
    [2, 2, 1],
  )
  await Promise.all(works)
  // Nobody waits any more: all is as at first.
  await nextTurn()
  await begin('d', 1)
  assert.equal(done.length, 9)
})

/** Holds every request that asks for its turn, until it is let go. */
function holdTurns(turns: TurnBudget) {
  const held: (() => void)[] = []
  const callers: string[] = []
  turns.take = callerOf => {
    callers.push(callerOf())
    return new Promise(resolve => held.push(resolve))
  }
  const isHeld = async () => {
    for (let turn = 0; held.length === 0 && turn < 100_000; turn += 1) await nextTurn()
    assert.equal(held.length, 1, 'it waits for its turn')
  }
  const letGo = async () => {
    await isHeld()
    held.shift()?.()
  }
  return { isHeld, callers, letGo }
}

test('requests of REST begin in their turn, and go on in one when their body is in', async () => {
  await using server = await startServer()
  const { json: key } = await server.ask('POST /api/v2/keys', {
    json: { name: 'k', permissions: ['assets:read', 'assets:write'] },
  })
  const { turns } = server.running.context
  const { isHeld, callers, letGo } = holdTurns(turns)
  assert.equal((await server.ask('GET /health/live')).status, 200, 'probes never wait')
  const list = server.ask('GET /api/v2/assets?limit=1')
  await letGo()
  assert.equal((await list).status, 200)
  assert.deepEqual(callers, ['127.0.0.1'])
  const json = { bucket: 'holdfast', prefix: 'a' }
  const share = server.ask('POST /api/v2/shares', { json, key: key.key })
  await letGo()
  await isHeld()
  Reflect.deleteProperty(turns, 'take')
  assert.equal((await server.ask(`DELETE /api/v2/keys/${key.id}`)).status, 204)
  await letGo()
  assert.equal((await share).status, 401, 'what it may is asked when it goes on')
})

test('requests go on in their turn when a token was checked for them', async () => {
  await using server = await startServer()
  const user = { username: 'ann', password: 'Violet-anvil-42' }
  const json = { ...user, roles: ['READONLY'], must_change_password: false }
  const { json: made } = await server.ask('POST /api/v2/users', { json })
  const entered = await server.ask('POST /api/v2/auth/login', { json: user, key: null })
  const key = entered.json.access_token
  const { turns } = server.running.context
  const list = () => server.ask('GET /api/v2/assets?limit=1', { key })
  {
    const { callers, letGo } = holdTurns(turns)
    const first = list()
    await letGo()
    await letGo()
    assert.equal((await first).status, 200)
    const again = list()
    await letGo()
    assert.equal((await again).status, 200)
    assert.equal(callers.length, 3, 'a token that is known has nothing to wait for')
  }
  server.running.context.engine.identity.tokens.forget(String(made.id))
  const { isHeld, letGo } = holdTurns(turns)
  const late = list()
  await letGo()
  await isHeld()
  Reflect.deleteProperty(turns, 'take')
  assert.equal((await server.ask('POST /api/v2/auth/logout', { key })).status, 204)
  await letGo()
  assert.equal((await late).status, 401, 'who it is is asked when it goes on')
})

test('so do requests of S3', async () => {
  await using s3 = await startS3()
  const { ask } = s3.server
  const { json: made } = await ask('POST /api/v2/s3/keys', {
    json: { name: 'k', permissions: ['*'] },
  })
  const key = { id: String(made.id), secret: String(made.secret) }
  const { turns } = s3.server.running.context
  const { isHeld, callers, letGo } = holdTurns(turns)
  const list = s3.send('GET /holdfast?list-type=2')
  await letGo()
  assert.equal((await list).status, 200)
  const body = '<Tagging><TagSet></TagSet></Tagging>'
  const tagging = s3.send('PUT /holdfast?tagging', { body })
  await letGo()
  await letGo()
  assert.equal((await tagging).status, 204)
  assert.deepEqual(callers, ['127.0.0.1', '127.0.0.1', '127.0.0.1'])
  const late = s3.send('PUT /holdfast?tagging', { body, key })
  await letGo()
  await isHeld()
  Reflect.deleteProperty(turns, 'take')
  assert.equal((await ask(`DELETE /api/v2/s3/keys/${made.id}`)).status, 204)
  await letGo()
  assert.equal((await late).status, 403, 'what its sender may is asked when it goes on')
})
