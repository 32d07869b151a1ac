import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { filedEntry } from '@holdfast/core/audit-entries.ts'
import { type AuditEntry, type AuditRow, auditText } from '@holdfast/core/identities.ts'
import { openDatabase } from '@holdfast/drivers/catalog/sqlite/database.ts'
import { openTestStore, refused, type TestStore } from '../test-store.test.ts'
import { auditKeysOf, sealOf } from './audit-keys.ts'
import { AuditLog } from './audit-log.ts'
import { verifyAudits } from './verify-audits.ts'

/** What somebody can and cannot do to the log who writes the catalog and does not know its key. */

const KEY = 'an-audit-key-of-32-characters-001'
const NEXT = 'an-audit-key-of-32-characters-002'

function entryOf(action: string): AuditEntry {
  return {
    at: '2026-05-01T00:00:00.000Z',
    ...{ actor: 'a', actorKind: 'user', actorName: 'ann', ip: '127.0.0.1', agent: 'tests' },
    ...{ requestId: 'r', action, outcome: 'success', status: 200, code: null },
    ...{ resource: {}, detail: {} },
  }
}

interface Process {
  readonly log: AuditLog
  readonly broken: string[]
}

/** The log as a server has it that was started now. */
async function start({ engine }: TestStore): Promise<Process> {
  const { catalog, element, clock, auditKeys: keys } = engine
  const broken: string[] = []
  const onError = (error: unknown) => {
    throw error
  }
  const onBroken = (problems: readonly string[]) => broken.push(...problems)
  const log = new AuditLog({ catalog, element, clock, keys, onError, onBroken })
  await log.start()
  return { log, broken }
}

async function run(opened: TestStore, actions: readonly string[]): Promise<string[]> {
  const { log, broken } = await start(opened)
  for (const action of actions) await log.recordDurably(entryOf(action))
  await log.close()
  return broken
}

const twenty = Array.from({ length: 20 }, (_, index) => `act${index + 1}`)

async function filled(auditKeys: readonly string[] = []): Promise<TestStore> {
  const opened = await openTestStore({ auditKeys })
  assert.deepEqual(await run(opened, twenty), [])
  return opened
}

async function problemsOf({ engine }: TestStore): Promise<string> {
  return (await verifyAudits(engine)).problems.join('\n')
}

function tamper({ dir }: TestStore, sql: string): void {
  const db = openDatabase(`${dir}/data/catalog.db`)
  db.exec(sql)
  db.close()
}

/** Rows as the chain wants them, written past the server. */
function forge(
  { dir }: TestStore,
  from: number,
  how: { count?: number; seal?: (row: AuditRow) => string } = {},
): void {
  const db = openDatabase(`${dir}/data/catalog.db`)
  const read = db.prepare<[number], string>('SELECT record FROM audits WHERE seq = ?').pluck()
  const put = db.prepare('INSERT OR REPLACE INTO audits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const before: AuditRow = JSON.parse(read.get(from - 1) ?? '')
  let previous = before.hash
  for (let seq = from; seq < from + (how.count ?? 1); seq += 1) {
    const entry = filedEntry(entryOf(`forged${seq}`))
    const digest = hash('sha256', auditText({ seq, previous, entry }))
    const row = { id: `${seq}`, seq, entry, previous, hash: digest, seal: before.seal ?? '' }
    const record = { ...row, seal: how.seal?.(row) ?? row.seal }
    const { at, actor, action, outcome, severity, actorType, sessionId, ip } = entry
    const what = [action, outcome, severity, actorType, sessionId]
    put.run(seq, Date.parse(at), actor, ...what, ip, JSON.stringify(record))
    previous = digest
  }
  db.close()
}

test('a row that was forged behind the head of a stopped server is found', async () => {
  await using opened = await filled()
  forge(opened, 21)
  assert.match(await problemsOf(opened), /row 21 is forged/)
})

test('what a stopped server was given stays found when it goes on', async () => {
  await using opened = await filled()
  forge(opened, 21)
  assert.match((await run(opened, ['next'])).join(), /row 21 is forged/)
  assert.deepEqual(await run(opened, ['later']), [], 'told once')
  const problems = await problemsOf(opened)
  assert.match(problems, /row 21 is forged/)
  assert.match(problems, /row 22 tells that the log was found broken: .*row 21 is forged/)
})

test('a chain that was made anew from its first rows on is found', async () => {
  await using opened = await filled()
  forge(opened, 5, { count: 16 })
  const problems = await problemsOf(opened)
  assert.match(problems, /row 5 is forged/)
  assert.match(problems, /row 20 is not the one the head names/)
  assert.match((await run(opened, [])).join(), /row 20 is not the one the head names/)
})

test('a tail that was cut stays missing when the server goes on', async () => {
  await using opened = await filled()
  tamper(opened, 'DELETE FROM audits WHERE seq > 15')
  assert.match((await run(opened, twenty)).join(), /end is cut off: rows 16 to 20/)
  assert.match(await problemsOf(opened), /row 16 tells .*found broken.*rows 16 to 20 are missing/)
})

test('a log that was emptied, and its head taken away, is not that of a new store', async () => {
  await using opened = await filled()
  tamper(opened, 'DELETE FROM audits')
  rmSync(`${opened.dir}/data/notes/audit-head`)
  assert.match((await run(opened, ['next'])).join(), /head on the element is missing/)
  assert.match(await problemsOf(opened), /row 1 tells that the log was found broken/)
})

test('what a killed process wrote behind its head is gone on from', async () => {
  await using opened = await openTestStore()
  const killed = await start(opened)
  await killed.log.recordDurably(entryOf('one'))
  await killed.log.settle()
  for (const action of twenty) await killed.log.recordDurably(entryOf(action))
  assert.deepEqual(await run(opened, ['next']), [])
  assert.equal(await problemsOf(opened), '')
  await killed.log.close()
})

test('a tail that is cut under a running server is told by the next row', async () => {
  await using opened = await openTestStore()
  const { log, broken } = await start(opened)
  for (const action of twenty) await log.recordDurably(entryOf(action))
  tamper(opened, 'DELETE FROM audits WHERE seq > 15')
  await log.recordDurably(entryOf('next'))
  assert.match(broken.join(), /ended with row 20 and now ends with row 15/)
  assert.ok(log.isBroken)
  await log.close()
  assert.match(await problemsOf(opened), /row 16 tells that the log was found broken/)
  const last = await opened.engine.catalog.view.audits.before(100, 1)
  assert.equal(last[0]?.entry.action, 'next')
})

for (const [what, sql] of [
  ['that says it is another', `record = replace(record, '"seq":20,', '"seq":10,')`],
  ['that cannot be read', `record = '{'`],
] as const) {
  test(`a last row ${what} keeps no other from being written`, async () => {
    await using opened = await openTestStore()
    const { log } = await start(opened)
    for (const action of twenty) await log.recordDurably(entryOf(action))
    tamper(opened, `UPDATE audits SET ${sql} WHERE seq = 20`)
    for (const action of ['next', 'later']) await log.recordDurably(entryOf(action))
    await log.close()
    const { audits } = opened.engine.catalog.view
    assert.equal(await audits.count({ action: 'next' }), 1)
    assert.equal(await audits.count({ action: 'later' }), 1)
    assert.match(await problemsOf(opened), /row 20 /)
  })
}

test('a row with a number beyond all others does not swallow what comes', async () => {
  await using opened = await filled()
  tamper(opened, 'UPDATE audits SET seq = 9223372036854775807 WHERE seq = 20')
  const errors: unknown[] = []
  const { catalog, element, clock, auditKeys: keys } = opened.engine
  const onError = (error: unknown) => errors.push(error)
  const log = new AuditLog({ catalog, element, clock, keys, onError })
  await log.start()
  await log.recordDurably(entryOf('next'))
  await log.close()
  assert.ok(errors.length > 0)
  assert.ok(refused('STORE_DAMAGED')(errors[0]))
})

test('keys change without a break, and who dropped the older one can still verify', async () => {
  let opened = await filled([KEY])
  opened = await opened.reopen(undefined, { auditKeys: [NEXT, KEY] })
  assert.deepEqual(await run(opened, ['next']), [])
  const { audits } = opened.engine.catalog.view
  const [told] = await audits.after(20, 1)
  assert.equal(told?.entry.action, 'audit.key.changed')
  assert.equal(await problemsOf(opened), '')
  // The rows of the key that is gone are in the hash of those behind them.
  opened = await opened.reopen(undefined, { auditKeys: [NEXT] })
  const { problems, unproven } = await verifyAudits(opened.engine)
  assert.deepEqual([problems, unproven], [[], []])
  await opened[Symbol.asyncDispose]()
})

test('without its key a log is checked as far as that goes, and told to be unproven', async () => {
  let opened = await filled([KEY])
  opened = await opened.reopen(undefined, { auditKeys: [] })
  const { problems, unproven } = await verifyAudits(opened.engine)
  assert.deepEqual(problems, [])
  assert.match(unproven.join('\n'), /rows 1 to 20 are sealed with the key [0-9a-f]{16}, which/)
  assert.match(unproven.join('\n'), /the head is sealed with the key/)
  tamper(opened, `UPDATE audits SET record = replace(record, 'act7', 'act0')`)
  assert.match(await problemsOf(opened), /row 7 was changed/)
  await opened[Symbol.asyncDispose]()
})

test('a server that has lost the key says so, and seals nothing in silence', async () => {
  let opened = await filled([KEY])
  opened = await opened.reopen(undefined, { auditKeys: [] })
  assert.match((await run(opened, ['next'])).join(), /head is sealed with the key .* not here/)
  opened = await opened.reopen(undefined, { auditKeys: [KEY, 'store'] })
  await run(opened, ['last'])
  assert.match(await problemsOf(opened), /row 21 is sealed with an older key/)
  await opened[Symbol.asyncDispose]()
})

test('an older key seals nothing behind a newer one', async () => {
  await using opened = await filled([KEY, NEXT])
  const [, stolen] = opened.engine.auditKeys.ring
  assert.ok(stolen)
  forge(opened, 21, { seal: row => sealOf('row', row, stolen) })
  assert.match(await problemsOf(opened), /row 21 is sealed with an older key than one before/)
  assert.match((await run(opened, [])).join(), /row 21 is sealed with an older key/)
})

test('the key of the store is given up by name only', async () => {
  let opened = await filled()
  opened = await opened.reopen(undefined, { auditKeys: [KEY] })
  await assert.rejects(run(opened, []), refused('SETTINGS_INVALID'))
  opened = await opened.reopen(undefined, { auditKeys: [KEY, 'store'] })
  assert.deepEqual(await run(opened, ['next']), [])
  assert.equal(await problemsOf(opened), '')
  // From then on whoever reads the store can do nothing with what is found there.
  opened = await opened.reopen(undefined, { auditKeys: [KEY] })
  const { ofStore } = opened.engine.auditKeys
  forge(opened, 23, { seal: row => sealOf('row', row, ofStore) })
  assert.match((await run(opened, [])).join(), /row 23 is sealed with the key .* not here/)
  await opened[Symbol.asyncDispose]()
})

test('a head that was kept elsewhere finds a store that was put back', async () => {
  await using opened = await filled()
  const { head: older } = await verifyAudits(opened.engine)
  const note = (await opened.engine.element.readNote('audit-head')) ?? ''
  await run(opened, ['next'])
  const { head: kept } = await verifyAudits(opened.engine)
  assert.deepEqual((await verifyAudits(opened.engine, { kept: older })).problems, [])
  // With all that was written since, and the note of then: nothing in the store tells.
  tamper(opened, 'DELETE FROM audits WHERE seq > 20')
  await opened.engine.element.writeNote('audit-head', note)
  assert.equal(await problemsOf(opened), '')
  const cut = await verifyAudits(opened.engine, { kept })
  assert.match(cut.problems.join(), /end is cut off: rows 21 to 21 are missing/)
  const other = { seq: 7, hash: 'f'.repeat(64) }
  const { problems } = await verifyAudits(opened.engine, { kept: other })
  assert.match(problems.join(), /row 7 is not the one the head that was kept names/)
})

test('the same key proves nothing of one store in another', () => {
  const secret = new Uint8Array(32)
  const [here] = auditKeysOf([KEY], { element: 'a', secret }).ring
  const [there] = auditKeysOf([KEY], { element: 'b', secret }).ring
  assert.notEqual(here.id, there.id)
  assert.notDeepEqual(here.secret, there.secret)
})
