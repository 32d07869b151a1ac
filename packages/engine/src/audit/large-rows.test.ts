import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { AuditEntry } from '@holdfast/core/identities.ts'
import { openDatabase } from '@holdfast/drivers/catalog/sqlite/database.ts'
import { ListTurns } from '../list-turns.ts'
import { openTestStore } from '../test-store.test.ts'
import { AuditLog } from './audit-log.ts'
import { checkEnd } from './check-end.ts'
import { exportAudits, listAudits } from './read-audits.ts'
import { reportAudits } from './report-audits.ts'
import { dropAudits } from './upkeep/drop-audits.ts'
import { verifyAudits } from './verify-audits.ts'

const LARGE = 40
const SMALL = 20
const ROWS = LARGE + SMALL
/** Of which 11 are more than a mebibyte. */
const PAGE_ROWS_MAX = 11
const filtered = { action: 'act' }

const entry: Omit<AuditEntry, 'detail'> = {
  ...{ at: '2026-05-01T00:00:00.000Z', actor: 'a', actorKind: 'user', actorName: 'ann' },
  ...{ ip: '127.0.0.1', agent: 'tests', requestId: 'r', action: 'act', outcome: 'success' },
  ...{ status: 200, code: null, resource: {} },
}

/** A log whose rows, but the oldest, are of 100 KB, and a count of the turns of long looks. */
async function openLog() {
  const opened = await openTestStore()
  const { catalog, auditKeys } = opened.engine
  const small = { ...entry, detail: {} }
  const large = { ...entry, detail: { before: 'x'.repeat(100_000) } }
  const entries = Array.from({ length: ROWS }, (_, at) => (at < SMALL ? small : large))
  const args = { entries, key: auditKeys.ring[0] }
  await catalog.write('audits.append', args, { actor: 'x', requestId: 'x' })
  let turns = 0
  class Counted extends ListTurns {
    override async next(caller: string): Promise<void> {
      turns += 1
      await super.next(caller)
    }
  }
  const engine = { ...opened.engine, lists: new Counted() }
  return { opened, engine, turns: () => turns }
}

const upwards = Array.from({ length: ROWS }, (_, at) => at + 1)

it('an export of large rows tells all of them, in pages of about a mebibyte', async () => {
  const { opened, engine } = await openLog()
  await using _ = opened
  for (const filter of [{}, filtered]) {
    const pages: number[][] = []
    for await (const page of exportAudits(engine, opened.call, filter)) {
      pages.push(page.map(({ seq }) => seq))
    }
    assert.deepEqual(pages.flat(), upwards)
    const [, ...large] = pages.map(({ length }) => length)
    assert.ok(large.length > 2, 'of large rows alone')
    assert.ok(Math.max(...large) <= PAGE_ROWS_MAX, large.join())
  }
})

it('a list of large rows ends early, and its cursor goes on from there', async () => {
  const { opened, engine } = await openLog()
  await using _ = opened
  for (const filter of [{}, filtered]) {
    const listed: number[][] = []
    for (let cursor: string | undefined; ; ) {
      const query = { ...filter, limit: 50, cursor }
      const { items, total, next } = await listAudits(engine, opened.call, query)
      assert.equal(total, ROWS)
      assert.ok(items.length > 0)
      listed.push(items.map(({ seq }) => seq))
      if (next === undefined) break
      cursor = String(next)
    }
    assert.deepEqual(listed.flat(), upwards.toReversed())
    const large = listed.filter(page => page.every(seq => seq > SMALL))
    assert.ok(large.length > 2, 'of large rows alone')
    assert.ok(large.every(({ length }) => length <= PAGE_ROWS_MAX))
  }
})

it('a list ends early, too, where what was found is large and lies far apart', async () => {
  const { opened, engine } = await openLog()
  await using _ = opened
  const { catalog, auditKeys } = engine
  const small = { ...entry, action: 'other', detail: {} }
  const large = { ...entry, action: 'found', detail: { before: 'x'.repeat(600_000) } }
  for (let round = 0; round < 3; round += 1) {
    const entries = Array.from({ length: 8200 }, (_, at) => (at === 7 ? large : small))
    const args = { entries, key: auditKeys.ring[0] }
    await catalog.write('audits.append', args, { actor: 'x', requestId: 'x' })
  }
  const query = { action: 'found', limit: 50 }
  const first = await listAudits(engine, opened.call, query)
  assert.deepEqual([first.items.length, first.total], [2, 3])
  const rest = await listAudits(engine, opened.call, { ...query, cursor: String(first.next) })
  assert.deepEqual([rest.items.length, rest.total, rest.next], [1, 3, undefined])
})

it('a check and a report of a log of large rows read all of it, a page in each turn', async () => {
  const { opened, engine, turns } = await openLog()
  await using _ = opened
  const { problems, rows, head } = await verifyAudits(engine)
  assert.deepEqual([problems, rows, head.seq], [[], ROWS, ROWS])
  assert.ok(turns() >= LARGE / PAGE_ROWS_MAX, `${turns()} turns`)
  const before = turns()
  const period = { from: '2026-05-01T00:00:00.000Z', until: '2026-05-02T00:00:00.000Z' }
  const report = await reportAudits(engine, opened.call, period)
  assert.deepEqual([report.rows, report.complete], [ROWS, true])
  assert.ok(turns() - before >= (2 * LARGE) / PAGE_ROWS_MAX, `${turns()} turns`)
})

/** A log of one row that the head names, and so many large ones behind it. */
async function openTail(behind: number) {
  const opened = await openTestStore()
  const { catalog, element, clock, auditKeys: keys } = opened.engine
  const onError = (error: unknown) => {
    throw error
  }
  const log = new AuditLog({ catalog, element, clock, keys, onError })
  await log.start()
  const at = new Date(clock.now()).toISOString()
  await log.recordDurably({ ...entry, at, detail: {} })
  await log.settle()
  const note = (await element.readNote('audit-head')) ?? ''
  const detail = { before: 'x'.repeat(100_000) }
  for (let n = 0; n < behind; n += 1) await log.recordDurably({ ...entry, at, detail })
  return { opened, log, note }
}

it('a start looks at all large rows behind the head', async () => {
  const { opened, note } = await openTail(LARGE)
  await using _ = opened
  const { engine, dir } = opened
  await engine.element.writeNote('audit-head', note)
  assert.deepEqual((await checkEnd(engine, engine.auditKeys)).problems, [])
  const db = openDatabase(`${dir}/data/catalog.db`)
  db.exec(`UPDATE audits SET record = replace(record, '"tests"', '"other"') WHERE seq = ${LARGE}`)
  db.close()
  const { problems } = await checkEnd(engine, engine.auditKeys)
  assert.deepEqual(problems, [`row ${LARGE} was changed`])
})

it('all large rows that are old enough are dropped at once', async () => {
  const { opened, log } = await openTail(LARGE)
  await using _ = opened
  await opened.clock.advance(40 * 86_400_000)
  await log.recordDurably({ ...entry, at: new Date(opened.clock.now()).toISOString(), detail: {} })
  await log.settle()
  const report = await dropAudits(opened.engine, log, { days: 30 })
  assert.deepEqual(report, { dropped: LARGE + 1, stopped: null })
})
