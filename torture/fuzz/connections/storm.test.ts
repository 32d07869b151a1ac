import assert from 'node:assert/strict'
import { test } from 'node:test'
import { complaintsOf, inFlightOf } from './besieged.ts'
import { calmFirst, describePlan, planOf } from './plans.ts'
import { quiet, smallServer } from './small-server.ts'
import { storm, unsettled } from './storm.ts'

const nowMs = Date.UTC(2026, 0, 1)
test('the same seed and number are the same connection, another seed is another', () => {
  for (const number of [0, calmFirst, calmFirst + 7, 5000]) {
    assert.deepEqual(planOf(3, number, nowMs), planOf(3, number, nowMs))
  }
  const told = (seed: number) => describePlan(planOf(seed, calmFirst + 1, nowMs))
  assert.notEqual(told(3), told(4))
})

test('all doors, ends and ways to read come, and every kind that is answered once in calm', () => {
  const plans = Array.from({ length: 3000 }, (_, number) => planOf(1, number, nowMs))
  assert.ok(plans.slice(0, calmFirst).every(({ ending }) => ending === 'calm'))
  assert.deepEqual([...new Set(plans.map(({ door }) => door))].sort(), ['metrics', 'rest', 's3'])
  const endings = ['calm', 'half-close', 'reset', 'silence']
  assert.deepEqual([...new Set(plans.map(({ ending }) => ending))].sort(), endings)
  for (const isSo of [
    plans.some(({ readBytes }) => readBytes === 0),
    plans.some(({ readBytes }) => readBytes > 0 && readBytes < 200_000),
    plans.some(({ kind, ending }) => kind === 'connect' && ending === 'reset'),
    plans.some(({ isMangled }) => isMangled),
    plans.some(({ pieces }) => pieces.length > 1),
  ]) {
    assert.ok(isSo)
  }
})

test('a server that answers is not complained of', async () => {
  await using target = await smallServer((request, response) => {
    request.resume()
    response.end('fine')
  })
  const before = await target.counts()
  const options = { seed: 1, first: calmFirst, goesOn: (made: number) => made < 150 }
  const { problems, plans, answers } = await storm(target, options)
  assert.ok(plans.length >= 150 && answers > 0)
  // Bytes that are no request Node answers, too.
  assert.deepEqual(problems, [])
  assert.equal(await unsettled(target, before), undefined)
})

test('a calm client that is cut, or answered 500, is told with its connection', async () => {
  await using cutting = await smallServer(({ socket, method }, response) => {
    if (method === 'PUT') socket.destroy()
    else response.writeHead(500).end()
  })
  const options = { seed: 1, first: 0, goesOn: (made: number) => made < 12 }
  const { problems } = await storm(cutting, options)
  assert.ok(problems.some(text => /^no answer: connection \d+: rest, put/.test(text)))
  assert.ok(problems.some(text => /^answered 500: connection \d+: rest, get/.test(text)))
})

test('what is not as before is told', async () => {
  await using target = await smallServer((_, response) => response.end())
  const left = async (now: Partial<typeof quiet>) => {
    const counts = async () => ({ ...quiet, ...now })
    return await unsettled({ ...target, counts }, quiet, 0)
  }
  assert.equal(await left({}), undefined)
  assert.match((await left({ inFlight: 2 })) ?? '', /^2 requests are at work for ever/)
  assert.match((await left({ sockets: 1 })) ?? '', /^1 sockets stay open/)
  assert.match((await left({ staged: 3 })) ?? '', /^3 files of bodies on their way stay/)
  assert.match((await left({ places: '"address-places";r=2' })) ?? '', /^places are not given back/)
  assert.equal(await unsettled({ ...target, ended: 'gone' }, quiet, 0), 'gone')
})

test('of the log only what nobody expected is a complaint', () => {
  const log = [
    'listening on http://127.0.0.1:1, S3 on http://127.0.0.1:2, data in x',
    '{"level":"warn","message":"x"}',
    '{"level":"error","message":"request failed"}',
    'failed by an error that nobody expected: Error: read ECONNRESET',
    'stopping; running transfers may finish',
  ]
  assert.deepEqual(complaintsOf(log.join('\n')), [log[2], log[3]])
  assert.equal(inFlightOf('# TYPE x gauge\nhttp_requests_in_flight 7\n'), 7)
})
