import assert from 'node:assert/strict'
import { it } from 'node:test'
import { countTurns } from '../counted-turns.test.ts'
import { ListTurns } from '../list-turns.ts'
import { openTestStore, type TestStore } from '../test-store.test.ts'
import { exportAudits, listAudits } from './read-audits.ts'
import { verifyAudits } from './verify-audits.ts'

const ROWS = 2500
const MANY = 6
const LONG = 20_000

/** Adds so many rows, of which each hundredth was refused, and notes the turns of long looks. */
async function openLog(rows: number) {
  const opened = await openTestStore()
  await fill(opened, rows)
  const counted = countTurns()
  const turns: number[] = []
  class Watched extends ListTurns {
    override async next(caller: string): Promise<void> {
      await super.next(caller)
      turns.push(counted.now())
    }
  }
  return { opened, counted, turns, engine: { ...opened.engine, lists: new Watched() } }
}

async function fill({ engine }: TestStore, rows: number): Promise<void> {
  const { catalog, auditKeys } = engine
  const entry = {
    ...{ at: '2026-05-01T00:00:00.000Z', actor: 'a', actorKind: 'user', actorName: 'ann' },
    ...{ ip: '127.0.0.1', agent: 'tests', requestId: 'r', action: 'act', outcome: 'success' },
    ...{ status: 200, code: null, resource: {}, detail: {} },
  }
  const entries = Array.from({ length: rows }, (_, at) =>
    at % 100 === 0 ? { ...entry, outcome: 'refused' } : entry,
  )
  while (entries.length > 0) {
    const args = { entries: entries.splice(0, 2500), key: auditKeys.ring[0] }
    await catalog.write('audits.append', args, { actor: 'x', requestId: 'x' })
  }
}

it('a filter that finds little looks at a piece of the log in each turn', async () => {
  const { opened, counted, turns, engine } = await openLog(LONG)
  await using _ = opened
  const refused = { outcome: 'refused' }
  const list = async () => {
    const { items, total } = await listAudits(engine, opened.call, { ip: 'x', limit: 10 })
    return items.length + total
  }
  const read = async () => {
    let rows = 0
    for await (const page of exportAudits(engine, opened.call, { ip: 'x' })) rows += page.length
    return rows
  }
  const found = await Promise.all([list, read].flatMap(how => Array.from({ length: MANY }, how)))
  counted.stop()
  assert.deepEqual(found, Array<number>(2 * MANY).fill(0))
  assert.equal(turns.length, 2 * MANY * 3, 'of three pieces each')
  assert.equal(new Set(turns).size, turns.length, 'two of them in one turn')
  const listed: number[] = []
  for (let cursor: string | undefined; ; ) {
    const query = { ...refused, limit: 70, cursor }
    const { items, total, next } = await listAudits(engine, opened.call, query)
    assert.equal(total, LONG / 100)
    listed.push(...items.map(({ seq }) => seq))
    if (next === undefined) break
    cursor = String(next)
  }
  const wanted = Array.from({ length: LONG / 100 }, (_, at) => at * 100 + 1)
  assert.deepEqual(listed.toReversed(), wanted)
  const exported: number[] = []
  for await (const page of exportAudits(engine, opened.call, refused)) {
    exported.push(...page.map(({ seq }) => seq))
  }
  assert.deepEqual(exported, wanted)
})

it('however many read the whole log, one page is read in each turn of the event loop', async () => {
  const { opened, counted, turns, engine } = await openLog(ROWS)
  await using _ = opened
  const verify = async () => (await verifyAudits(engine)).rows
  const read = async () => {
    let rows = 0
    for await (const page of exportAudits(engine, opened.call, {})) rows += page.length
    return rows
  }
  const rows = await Promise.all([verify, read].flatMap(how => Array.from({ length: MANY }, how)))
  counted.stop()
  assert.deepEqual(rows, Array<number>(2 * MANY).fill(ROWS))
  assert.equal(turns.length, 2 * MANY * 3, 'of three pages each')
  assert.equal(new Set(turns).size, turns.length, 'two of them in one turn')
})

it('an export that nobody takes any more ends, and fails with nothing', async () => {
  await using opened = await openTestStore()
  await fill(opened, ROWS)
  const client = new AbortController()
  const call = { ...opened.call, signal: client.signal }
  let rows = 0
  for await (const page of exportAudits(opened.engine, call, {})) {
    rows += page.length
    client.abort()
  }
  assert.equal(rows, 1000, 'one page')
})
