import assert from 'node:assert/strict'
import { it } from 'node:test'
import { countTurns } from '../counted-turns.test.ts'
import { ListTurns } from '../list-turns.ts'
import { openTestStore } from '../test-store.test.ts'
import { exportAudits } from './read-audits.ts'
import { verifyAudits } from './verify-audits.ts'

const ROWS = 2500
const MANY = 6

it('however many read the whole log, one page is read in each turn of the event loop', async () => {
  await using opened = await openTestStore()
  const { catalog, auditKeys } = opened.engine
  const entry = {
    ...{ at: '2026-05-01T00:00:00.000Z', actor: 'a', actorKind: 'user', actorName: 'ann' },
    ...{ ip: '127.0.0.1', agent: 'tests', requestId: 'r', action: 'act', outcome: 'success' },
    ...{ status: 200, code: null, resource: {}, detail: {} },
  }
  const args = { entries: Array.from({ length: ROWS }, () => entry), key: auditKeys.ring[0] }
  await catalog.write('audits.append', args, { actor: 'x', requestId: 'x' })
  const counted = countTurns()
  const turns: number[] = []
  class Watched extends ListTurns {
    override async next(caller: string): Promise<void> {
      await super.next(caller)
      turns.push(counted.now())
    }
  }
  const engine = { ...opened.engine, lists: new Watched() }
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
