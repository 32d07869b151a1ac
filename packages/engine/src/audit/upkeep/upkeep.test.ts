import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { filedEntry } from '@holdfast/core/audit-entries.ts'
import {
  type AuditEntry,
  type AuditLink,
  type AuditRow,
  auditText,
} from '@holdfast/core/identities.ts'
import { openDatabase } from '@holdfast/drivers/catalog/sqlite/database.ts'
import { createKey, principalOfKey, revokeKey } from '../../access/keys/keys.ts'
import { openTestStore, refused, type TestStore } from '../../test-store.test.ts'
import { type AuditKey, auditKeysOf, sealOf } from '../audit-keys.ts'
import { AuditLog } from '../audit-log.ts'
import { ChainCheck } from '../chain-check.ts'
import { inspectAudits } from '../inspect-audits.ts'
import { verifyAudits } from '../verify-audits.ts'
import { acknowledgeAudits } from './acknowledge-audits.ts'
import { dropAudits } from './drop-audits.ts'
import { ACKNOWLEDGED, DROPPED } from './sealed-word.ts'

const KEY = 'an-audit-key-of-32-characters-001'
const DAY_MS = 86_400_000

async function start({ engine }: TestStore): Promise<AuditLog> {
  const { catalog, element, clock, auditKeys: keys } = engine
  const onError = (error: unknown) => {
    throw error
  }
  const log = new AuditLog({ catalog, element, clock, keys, onError })
  await log.start()
  return log
}

function entryOf({ clock }: TestStore, action: string, detail = {}): AuditEntry {
  return {
    at: new Date(clock.now()).toISOString(),
    ...{ actor: 'a', actorKind: 'user', actorName: 'ann', ip: '127.0.0.1', agent: 'tests' },
    ...{ requestId: 'r', action, outcome: 'success', status: 200, code: null },
    ...{ resource: {}, detail },
  }
}

async function fill(opened: TestStore, log: AuditLog, count = 10): Promise<void> {
  for (let n = 1; n <= count; n += 1) await log.recordDurably(entryOf(opened, `act${n}`))
  await log.settle()
}

function tamper({ dir }: TestStore, sql: string): void {
  const db = openDatabase(`${dir}/data/catalog.db`)
  db.exec(sql)
  db.close()
}

function change(from: string, to: string): string {
  return `UPDATE audits SET record = replace(record, '"${from}"', '"${to}"') WHERE seq = 5`
}

const CHANGE_5 = change('tests', 'other')

async function acknowledge(opened: TestStore, log: AuditLog): Promise<readonly string[]> {
  const { findings, detail } = await acknowledgeAudits(opened.engine, opened.call, 'looked into')
  await log.recordDurably(entryOf(opened, ACKNOWLEDGED, detail))
  await log.settle()
  return findings
}

test('a break that somebody acknowledged is told apart and calls no log broken', async () => {
  await using opened = await openTestStore({ auditKeys: [KEY] })
  let log = await start(opened)
  await fill(opened, log)
  tamper(opened, 'DELETE FROM audits WHERE seq > 8')
  await log.recordDurably(entryOf(opened, 'next'))
  await log.close()
  assert.ok(log.isBroken)
  log = await start(opened)
  assert.ok(log.isBroken, 'a restart takes note of nothing')
  const findings = await acknowledge(opened, log)
  assert.match(findings.join(), /^row 9 tells that the log was found broken/)
  assert.ok(!log.isBroken)
  const found = await verifyAudits(opened.engine)
  assert.deepEqual([found.problems, found.acknowledged], [[], findings])
  await log.close()
  log = await start(opened)
  assert.ok(!log.isBroken)
  tamper(opened, 'DELETE FROM audits WHERE seq > 10')
  await log.recordDurably(entryOf(opened, 'next'))
  assert.ok(log.isBroken, 'the next break is another')
  assert.equal((await verifyAudits(opened.engine)).problems.length > 0, true)
  await log.close()
})

test('more than one row names is acknowledged by asking again', async () => {
  await using opened = await openTestStore({ auditKeys: [KEY] })
  const log = await start(opened)
  const entries = Array.from({ length: 2100 }, () => entryOf(opened, 'act'))
  for (const entry of entries) log.record(entry)
  await log.settle()
  tamper(opened, `UPDATE audits SET record = replace(record, '"tests"', '"other"') WHERE seq > 1`)
  const counts: number[] = []
  for (let more = true; more && counts.length < 5; ) {
    const { open, isCut } = await inspectAudits(opened.engine)
    more = isCut
    counts.push(open.length)
    await acknowledge(opened, log)
  }
  await log.close()
  assert.ok(counts.length > 1, counts.join(' '))
  assert.deepEqual((await inspectAudits(opened.engine)).open, [])
  assert.deepEqual((await verifyAudits(opened.engine)).problems, [])
})

test('what is done to an acknowledged row later is told', async () => {
  await using opened = await openTestStore({ auditKeys: [KEY] })
  const log = await start(opened)
  await fill(opened, log)
  tamper(opened, CHANGE_5)
  assert.deepEqual(await acknowledge(opened, log), ['row 5 was changed'])
  assert.deepEqual((await verifyAudits(opened.engine)).problems, [])
  tamper(opened, change('other', 'third'))
  assert.deepEqual((await verifyAudits(opened.engine)).problems, ['row 5 was changed'])
  await log.close()
})

test('an acknowledgement that no key sealed counts for nothing', async () => {
  let opened = await openTestStore({ auditKeys: [KEY] })
  let log = await start(opened)
  await fill(opened, log)
  await log.close()
  tamper(opened, CHANGE_5)
  // Written by who can write the store and does not know the key, chained as it must be.
  opened = await opened.reopen(undefined, { auditKeys: [] })
  log = await start(opened)
  await acknowledge(opened, log)
  await log.close()
  opened = await opened.reopen(undefined, { auditKeys: [KEY] })
  assert.match((await verifyAudits(opened.engine)).problems.join(), /row 5 was changed/)
  await opened[Symbol.asyncDispose]()
})

test('old rows go, the log begins at a sealed place, and the drop is told', async () => {
  let opened = await openTestStore({ auditKeys: [KEY] })
  let log = await start(opened)
  await fill(opened, log)
  const { head: dropped } = await verifyAudits(opened.engine, {})
  await opened.clock.advance(40 * DAY_MS)
  assert.deepEqual(await dropAudits(opened.engine, log, { days: 50 }), none)
  await fill(opened, log, 3)
  const { head: kept } = await verifyAudits(opened.engine)
  assert.deepEqual(await dropAudits(opened.engine, log, { days: 30 }), { ...none, dropped: 10 })
  const { audits } = opened.engine.catalog.view
  const [row] = await audits.before(99, 1)
  assert.equal(row?.entry.action, DROPPED)
  assert.deepEqual([row?.entry.detail.from, row?.entry.detail.until], [1, 10])
  await log.close()
  for (const how of [undefined, 'rebuild'] as const) {
    opened = await opened.reopen(how, { auditKeys: [KEY] })
    const found = await verifyAudits(opened.engine, { kept })
    assert.deepEqual([found.rows, found.dropped, found.problems], [4, 10, []])
    assert.deepEqual((await verifyAudits(opened.engine, { kept: dropped })).problems, [])
    const older = await verifyAudits(opened.engine, { kept: { seq: 4, hash: 'f'.repeat(64) } })
    assert.match(older.unproven.join(), /row 4 was dropped/)
  }
  log = await start(opened)
  assert.ok(!log.isBroken)
  await log.close()
  tamper(opened, 'DELETE FROM audits WHERE seq = 11')
  // Whoever took them away does not say that it was for their age.
  const found = await verifyAudits(opened.engine, { kept: dropped })
  assert.match(found.problems.join(), /rows 1 to 11 are missing/)
  assert.match(found.unproven.join(), /row 10 is missing/)
  assert.deepEqual([found.rows, found.dropped], [3, 0])
  await opened[Symbol.asyncDispose]()
})

const none = { dropped: 0, stopped: null }

test('a row that is recorded in any turn beside a drop breaks nothing', async () => {
  await using opened = await openTestStore({ auditKeys: [KEY] })
  const log = await start(opened)
  await fill(opened, log)
  const { audits } = opened.engine.catalog.view
  for (let turns = 0; turns < 30; turns += 1) {
    const [first] = await audits.filed(undefined, 1)
    assert.ok(first?.row !== undefined)
    const last = { seq: first.place, hash: first.row.hash }
    const before = new Date(opened.clock.now()).toISOString()
    log.record(entryOf(opened, 'before'))
    const later = log.flush().then(async () => {
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
      log.record(entryOf(opened, 'beside'))
    })
    await Promise.all([log.drop({ from: first.place, last, before }), later])
    await log.settle()
    assert.ok(!log.isBroken, `${turns} turns`)
  }
  assert.deepEqual((await verifyAudits(opened.engine)).problems, [])
  await log.close()
})

test('a beginning that somebody took away is no drop', async () => {
  await using opened = await openTestStore({ auditKeys: [KEY] })
  const log = await start(opened)
  await fill(opened, log)
  tamper(opened, 'DELETE FROM audits WHERE seq <= 4')
  assert.match((await verifyAudits(opened.engine)).problems.join(), /rows 1 to 4 are missing/)
  await opened.clock.advance(40 * DAY_MS)
  await fill(opened, log, 3)
  const { dropped, stopped } = await dropAudits(opened.engine, log, { days: 30 })
  assert.equal(dropped, 0)
  assert.match(`${stopped}`, /not whole: rows 1 to 4 are missing/)
  await log.close()
})

test('of an idle log the sealed head stays, so the next start finds it', async () => {
  await using opened = await openTestStore({ auditKeys: [KEY] })
  const log = await start(opened)
  await fill(opened, log)
  await opened.clock.advance(40 * DAY_MS)
  assert.deepEqual(await dropAudits(opened.engine, log, { days: 30 }), { ...none, dropped: 9 })
  // As after a crash: nothing of the closing is done.
  const next = await start(opened)
  assert.ok(!next.isBroken)
  await next.close()
  await log.close()
})

test('no row goes that the head on the element names, nor any behind it', async () => {
  await using opened = await openTestStore({ auditKeys: [KEY] })
  const log = await start(opened)
  await fill(opened, log, 5)
  const { element } = opened.engine
  const note = (await element.readNote('audit-head')) ?? ''
  await fill(opened, log, 5)
  // As where the later ones could not be written.
  await element.writeNote('audit-head', note)
  await opened.clock.advance(40 * DAY_MS)
  assert.deepEqual(await dropAudits(opened.engine, log, { days: 30 }), { ...none, dropped: 4 })
  await log.close()
})

test('behind a break nothing proves an acknowledgement that another key sealed', () => {
  const store = { element: 'a', secret: new Uint8Array(32) }
  const [known] = auditKeysOf([KEY], store).ring
  const other = auditKeysOf([], store).ofStore
  const detail = { prints: ['all'], until: 1 }
  for (const isBroken of [false, true]) {
    const check = new ChainCheck([known])
    const first = rowOf(other, { ...plain, action: ACKNOWLEDGED, detail }, check.last)
    check.take({ place: 1, row: first, isFiledRight: true })
    const before = isBroken ? { seq: 1, hash: 'f'.repeat(64) } : check.last
    for (const link of [before, undefined]) {
      const row = rowOf(known, plain, link ?? check.last)
      check.take({ place: row.seq, row, isFiledRight: true })
    }
    assert.equal(check.word.isAcknowledged('all'), !isBroken)
    assert.equal(check.unproven().length, isBroken ? 1 : 0)
  }
})

const plain: AuditEntry = {
  ...{ at: '2026-05-01T00:00:00.000Z', actor: 'a', actorKind: 'user', actorName: 'ann' },
  ...{ ip: '127.0.0.1', agent: 'tests', requestId: 'r', action: 'act', outcome: 'success' },
  ...{ status: 200, code: null, resource: {}, detail: {} },
}

function rowOf(key: AuditKey, told: AuditEntry, after: AuditLink): AuditRow {
  const entry = filedEntry(told)
  const seq = after.seq + 1
  const digest = hash('sha256', auditText({ seq, previous: after.hash, entry }))
  const link = { seq, hash: digest }
  return { id: `${seq}`, ...link, entry, previous: after.hash, seal: sealOf('row', link, key) }
}

test('while the clock cannot be trusted nothing is dropped', async () => {
  await using opened = await openTestStore({ auditKeys: [KEY] })
  const log = await start(opened)
  await fill(opened, log)
  opened.clock.jump(40 * DAY_MS)
  const { dropped, stopped } = await dropAudits(opened.engine, log, { days: 30 })
  assert.equal(dropped, 0)
  assert.match(`${stopped}`, /clock jumped/)
  await log.close()
})

test('who is shut out while the log is looked through acknowledges nothing', async () => {
  await using opened = await openTestStore({ auditKeys: [KEY] })
  const { engine, call } = opened
  const { key } = await createKey(engine, call, { name: 'k', permissions: ['audit:admin'] })
  const own = { ...call, principal: principalOfKey(key) }
  await acknowledgeAudits(engine, own, 'looked into')
  const next = engine.lists.next.bind(engine.lists)
  engine.lists.next = async caller => {
    engine.lists.next = next
    await next(caller)
    await revokeKey(engine, call, key.id)
  }
  const late = acknowledgeAudits(engine, own, 'looked into')
  await assert.rejects(late, refused('UNAUTHENTICATED'))
})
