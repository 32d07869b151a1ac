import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEntry } from '@holdfast/core/identities.ts'
import { openDatabase } from '@holdfast/drivers/catalog/sqlite/database.ts'
import { callOf, openTestStore, refused, type TestStore } from '../test-store.test.ts'
import { AuditLog } from './audit-log.ts'
import { listAudits } from './read-audits.ts'
import { verifyAudits } from './verify-audits.ts'

function entryOf(action: string): AuditEntry {
  return {
    at: '2026-05-01T00:00:00.000Z',
    ...{ actor: 'a', actorKind: 'user', actorName: 'ann', ip: '127.0.0.1', agent: 'tests' },
    ...{ requestId: 'r', action, outcome: 'success', status: 200, code: null },
    ...{ resource: {}, detail: {} },
  }
}

function openLog({ engine }: TestStore, errors: unknown[] = []): AuditLog {
  const { catalog, element, clock, auditKeys: keys } = engine
  const onError = (error: unknown) => errors.push(error)
  return new AuditLog({ catalog, element, clock, keys, onError })
}

/** A log to which somebody adds a row during each commit, as a flood does, for so many times. */
function flooded({ engine }: TestStore, times: number) {
  const { catalog, element, clock, auditKeys: keys } = engine
  let commits = 0
  const write: typeof catalog.write = async (...args) => {
    commits += 1
    if (commits <= times) log.record(entryOf('flood'))
    return await catalog.write(...args)
  }
  const onError = (error: unknown) => assert.fail(String(error))
  const log = new AuditLog({ catalog: { ...catalog, write }, element, clock, keys, onError })
  return { log, commits: () => commits }
}

/** As somebody would who can write the catalog, but does not know the secret. */
function tamper({ dir }: TestStore, sql: string): void {
  const db = openDatabase(`${dir}/data/catalog.db`)
  db.exec(sql)
  db.close()
}

async function wholeWith({ engine }: TestStore, rows: number): Promise<void> {
  const { head, ...found } = await verifyAudits(engine)
  assert.deepEqual(found, { rows, dropped: 0, problems: [], acknowledged: [], unproven: [] })
  assert.equal(head.seq, rows)
}

async function filled(): Promise<TestStore> {
  const opened = await openTestStore()
  const log = openLog(opened)
  for (let n = 1; n <= 20; n += 1) await log.recordDurably(entryOf(`act${n}`))
  await log.close()
  await wholeWith(opened, 20)
  return opened
}

test('a row is waited for until it is durable, and not for those that come after it', async () => {
  await using opened = await openTestStore({ thread: true })
  const { log, commits } = flooded(opened, 200)
  log.record(entryOf('before'))
  await log.recordDurably(entryOf('awaited'))
  assert.ok(commits() < 5, `${commits()} commits`)
  const { items } = await listAudits(opened.engine, opened.call, { limit: 100 })
  assert.ok(items.some(({ entry }) => entry.action === 'awaited'))
  await log.settle()
  assert.ok(commits() < 10, `${commits()} commits`)
  await log.close()
  await wholeWith(opened, 202)
})

test('what is recorded together is committed together, in order and without loss', async () => {
  await using opened = await openTestStore({ thread: true })
  const log = openLog(opened)
  for (let n = 0; n < 1234; n += 1) log.record(entryOf(`act${n}`))
  await log.flush()
  const { items, total } = await listAudits(opened.engine, opened.call, { limit: 2 })
  assert.equal(total, 1234)
  assert.deepEqual(
    items.map(({ entry }) => entry.action),
    ['act1233', 'act1232'],
  )
  await log.close()
  await wholeWith(opened, 1234)
})

test('a flood is counted where it cannot be kept', async () => {
  await using opened = await openTestStore()
  const log = openLog(opened)
  for (let n = 0; n < 10_100; n += 1) log.record(entryOf('flood'))
  await log.flush()
  const query = { limit: 1, action: 'auditOverflow' }
  const { items } = await listAudits(opened.engine, opened.call, query)
  assert.deepEqual(items[0]?.entry.detail, { lost: 100 })
  await log.close()
})

test('a flood pushes out nothing that somebody waits for', async () => {
  await using opened = await openTestStore()
  const log = openLog(opened)
  for (let n = 0; n < 10_100; n += 1) log.record(entryOf('flood'))
  await log.recordDurably(entryOf('change'))
  const { items } = await listAudits(opened.engine, opened.call, { action: 'change', limit: 2 })
  assert.equal(items.length, 1)
  await log.close()
})

const onError = (error: unknown) => {
  throw error
}

test('visits by share link beyond a number are counted, each one, in few rows', async () => {
  await using opened = await openTestStore()
  const { catalog, element, clock, auditKeys: keys } = opened.engine
  const parts = { catalog, element, clock, keys, onError }
  const log = new AuditLog({ ...parts, refusals: { quota: 5, windowMs: 3_600_000 } })
  const visit = (ip: string, share: string): AuditEntry => {
    return { ...entryOf('openShare'), actorKind: 'user', ip, detail: { share_id: share } }
  }
  for (let n = 0; n < 300; n += 1) log.recordVisit(visit('192.0.2.1', 'a'))
  for (let n = 0; n < 40; n += 1) log.recordVisit(visit('192.0.2.1', 'b'))
  // Whoever has many addresses gets no row for each of them.
  for (let n = 0; n < 400; n += 1) log.recordVisit(visit(`198.51.${n >> 8}.${n & 255}`, 'a'))
  await log.close()
  const { items, total } = await listAudits(opened.engine, opened.call, { limit: 1000 })
  const counted = items.filter(({ entry }) => entry.action === 'visits')
  const sum = items.reduce((all, { entry }) => all + Number(entry.detail.count ?? 1), 0)
  assert.equal(sum, 740)
  assert.equal(total, 50 + 101)
  const mine = counted.find(({ entry }) => entry.ip === '192.0.2.1')?.entry
  assert.deepEqual([mine?.outcome, mine?.detail.shares], ['success', { a: 295, b: 40 }])
  await wholeWith(opened, total)
})

test('reset requests beyond a number are counted, each one, in few rows', async () => {
  await using opened = await openTestStore()
  const { catalog, element, clock, auditKeys: keys } = opened.engine
  const parts = { catalog, element, clock, keys, onError }
  const log = new AuditLog({ ...parts, refusals: { quota: 5, windowMs: 3_600_000 } })
  for (let n = 0; n < 400; n += 1) {
    const detail = { username: n % 2 === 0 ? 'ann' : null }
    log.recordReset({ ...entryOf('forgotPassword'), ip: `2001:db8:1:${n.toString(16)}::1`, detail })
  }
  await log.close()
  const { items, total } = await listAudits(opened.engine, opened.call, { limit: 1000 })
  const sum = items.reduce((all, { entry }) => all + Number(entry.detail.count ?? 1), 0)
  assert.equal(sum, 400)
  assert.equal(total, 50 + 101)
  const rest = items.find(({ entry }) => entry.action === 'resetRequests' && entry.ip === '')
  assert.deepEqual(rest?.entry.detail.users, { ann: 125, none: 125 })
  await wholeWith(opened, total)
})

test('refusals of an address that causes too many are counted, each one, in few rows', async () => {
  await using opened = await openTestStore()
  const { catalog, element, clock, auditKeys: keys } = opened.engine
  const parts = { catalog, element, clock, keys, onError }
  const log = new AuditLog({ ...parts, refusals: { quota: 5, windowMs: 3_600_000 } })
  const refusal = (ip: string, code: string): AuditEntry => {
    return { ...entryOf('getAsset'), outcome: 'refused', status: 401, code, ip }
  }
  for (let n = 0; n < 500; n += 1) log.recordRefusal(refusal('192.0.2.1', 'UNAUTHENTICATED'))
  for (let n = 0; n < 50; n += 1) log.recordRefusal(refusal('192.0.2.1', 'FORBIDDEN'))
  // All addresses of one IPv6 network are one caller.
  for (let n = 0; n < 100; n += 1) log.recordRefusal(refusal(`2001:db8::${n}`, 'FORBIDDEN'))
  log.recordRefusal(refusal('192.0.2.2', 'FORBIDDEN'))
  await log.close()
  const { items, total } = await listAudits(opened.engine, opened.call, { limit: 100 })
  assert.equal(total, 5 + 5 + 1 + 2)
  const counted = items.filter(({ entry }) => entry.action === 'refusals')
  const told = counted.map(({ entry }) => [entry.ip, entry.detail.count, entry.detail.codes])
  assert.deepEqual(told.sort(), [
    ['192.0.2.1', 545, { UNAUTHENTICATED: 495, FORBIDDEN: 50 }],
    ['2001:db8:0:0::/64', 95, { FORBIDDEN: 95 }],
  ])
  await wholeWith(opened, total)
})

test('a flood from many addresses is counted in bounded memory and rows', async () => {
  await using opened = await openTestStore()
  const { catalog, element, clock, auditKeys: keys } = opened.engine
  const parts = { catalog, element, clock, keys, onError }
  const log = new AuditLog({ ...parts, refusals: { quota: 1, windowMs: 3_600_000 } })
  for (let n = 0; n < 3000; n += 1) {
    const ip = `10.0.${n >> 8}.${n & 255}`
    const refusal = { ...entryOf('x'), outcome: 'refused', actorKind: 'anonymous', ip } as const
    for (let m = 0; m < 3; m += 1) log.recordRefusal(refusal)
    if (n % 500 === 0) await log.flush()
  }
  await log.close()
  const { items, total } = await listAudits(opened.engine, opened.call, { limit: 10_000 })
  const counts = items.map(({ entry }) => Number(entry.detail.count ?? 1))
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    9000,
  )
  // Ten rows of strangers, and with the last round those of a hundred addresses and all others.
  assert.equal(total, 10 + 101)
})

for (const [what, sql, problem] of [
  ['a changed row', `UPDATE audits SET record = replace(record, 'act7', 'act0')`, /row 7 was ch/],
  ['a missing row', 'DELETE FROM audits WHERE seq = 7', /rows 7 to 7 are missing/],
  ['a missing beginning', 'DELETE FROM audits WHERE seq <= 3', /rows 1 to 3 are missing/],
  ['a cut tail', 'DELETE FROM audits WHERE seq > 15', /end is cut off: rows 16 to 20/],
  ['an emptied log', 'DELETE FROM audits', /end is cut off: rows 1 to 20/],
  [
    'an inserted row',
    `INSERT INTO audits SELECT 21, at, actor, action, outcome, severity, actor_type, session,
     ip, replace(record, '"seq":20', '"seq":21') FROM audits WHERE seq = 20`,
    /row 21 does not follow/,
  ],
  [
    'a row before the first one',
    `INSERT INTO audits SELECT -5, at, actor, action, outcome, severity, actor_type, session,
     ip, record FROM audits WHERE seq = 1`,
    /row -5 is not filed as what it says/,
  ],
  ['a changed column', `UPDATE audits SET actor = 'x' WHERE seq = 7`, /row 7 is not filed as/],
  ['a milder row', `UPDATE audits SET severity = 'x' WHERE seq = 7`, /row 7 is not filed as/],
  ['another actor', `UPDATE audits SET actor_type = 'x' WHERE seq = 7`, /row 7 is not filed as/],
  ['another login', `UPDATE audits SET session = 'x' WHERE seq = 7`, /row 7 is not filed as/],
  ['a moved row', 'UPDATE audits SET seq = 5000 WHERE seq = 20', /row 5000 is not filed as/],
  ['what is no row', `UPDATE audits SET record = '{' WHERE seq = 7`, /row 7 cannot be read/],
] as const) {
  test(`${what} is found`, async () => {
    await using opened = await filled()
    tamper(opened, sql)
    const { problems } = await verifyAudits(opened.engine)
    assert.match(problems.join('\n'), problem)
  })
}

test('a row that cannot be read keeps nobody from reading the others', async () => {
  await using opened = await filled()
  tamper(opened, `UPDATE audits SET record = '{', at = 9000000000000000000 WHERE seq = 7`)
  const { items } = await listAudits(opened.engine, opened.call, { limit: 100 })
  assert.equal(items.length, 20)
  assert.equal(items.at(-7)?.entry.action, 'audit.row.unreadable')
})

test('a row that sends its reader back is found, and read once', async () => {
  await using opened = await openTestStore()
  const log = openLog(opened)
  for (let n = 0; n < 1010; n += 1) log.record(entryOf('act'))
  await log.close()
  tamper(opened, `UPDATE audits SET record = replace(record, '"seq":1000,', '"seq":0,')`)
  // Whoever begins anew at the row it says never ends.
  const { rows, problems } = await verifyAudits(opened.engine, {
    signal: AbortSignal.timeout(20_000),
  })
  assert.equal(rows, 1010)
  assert.match(problems.join('\n'), /row 1000 is not filed as what it says/)
})

test('a tail that was cut and written anew is found', async () => {
  await using opened = await filled()
  tamper(opened, 'DELETE FROM audits WHERE seq > 10')
  const { catalog, auditKeys } = opened.engine
  const entries = Array.from({ length: 10 }, () => entryOf('forged'))
  const [key] = auditKeys.ring
  await catalog.write('audits.append', { entries, key }, { actor: 'x', requestId: 'x' })
  const { problems } = await verifyAudits(opened.engine)
  assert.match(problems.join(), /row 20 is not the one the head names/)
})

test('a head that is changed or gone is found', async () => {
  await using opened = await filled()
  const { element } = opened.engine
  const note = JSON.parse((await element.readNote('audit-head')) ?? '')
  await element.writeNote('audit-head', JSON.stringify({ ...note, seq: 10 }))
  assert.match((await verifyAudits(opened.engine)).problems.join(), /head .* was changed/)
})

test('a head of any other form is told as unreadable, however long it is', async () => {
  await using opened = await filled()
  const { element } = opened.engine
  const note = JSON.parse((await element.readNote('audit-head')) ?? '')
  const long = 'a'.repeat(1_000_000)
  const changes = [
    ...[{ seq: -1 }, { seq: 1.5 }, { seq: '20' }, { hash: long }, { hash: `${note.hash}0` }],
    ...[{ hash: note.hash.toUpperCase() }, { hash: null }, { hash: '' }, { seal: long }],
    ...[{ seal: `${note.seal}\n` }, { seal: undefined }, { hash: {}, seal: {} }],
  ]
  const given = [
    ...['', '{', 'null', '7', '[]', '{}', '\u0000', long, JSON.stringify(note).padEnd(1025)],
    ...changes.map(changed => JSON.stringify({ ...note, ...changed })),
  ]
  for (const text of given) {
    await element.writeNote('audit-head', text)
    const { problems } = await verifyAudits(opened.engine)
    const told = ['the head on the element was changed: it is unreadable']
    assert.deepEqual(problems, told, text.slice(0, 300))
  }
  await element.writeNote('audit-head', `${JSON.stringify(note)}\n`)
  await wholeWith(opened, 20)
})

test('a start tells an unreadable head in a row of bounded length', async () => {
  await using opened = await filled()
  const { element, catalog } = opened.engine
  await element.writeNote('audit-head', JSON.stringify({ seq: 20, hash: 'a'.repeat(1_000_000) }))
  const log = openLog(opened, [])
  await log.start()
  await log.close()
  const rows = await catalog.view.audits.filed(20, 10)
  assert.deepEqual(
    rows.map(({ row }) => [row?.entry.action, row?.entry.detail.left]),
    [['audit.chain.broken', { seq: 0, hash: '' }]],
  )
})

test('the log comes back whole from the packs', async () => {
  let opened = await filled()
  opened = await opened.reopen('rebuild')
  await wholeWith(opened, 20)
  await opened[Symbol.asyncDispose]()
})

test('rows that could not be written are counted by the next one that can', async () => {
  await using opened = await openTestStore()
  const errors: unknown[] = []
  const log = openLog(opened, errors)
  const circular: Record<string, unknown> = {}
  circular.self = circular
  const bad = { ...entryOf('bad'), detail: circular } as unknown as AuditEntry
  await log.recordDurably(bad)
  await log.recordDurably(bad)
  assert.equal(errors.length, 2)
  assert.equal(log.isWritten, false)
  await log.recordDurably(entryOf('good'))
  assert.equal(log.isWritten, true)
  await log.recordDurably(entryOf('better'))
  await log.close()
  const { items } = await listAudits(opened.engine, opened.call, { limit: 10 })
  assert.deepEqual(
    items.map(({ entry: { action, detail } }) => [action, detail.lost]),
    [
      ['better', undefined],
      ['auditOverflow', 2],
      ['good', undefined],
    ],
  )
  await wholeWith(opened, 3)
})

test('only who may view the log reads it', async () => {
  await using opened = await openTestStore()
  const reader = callOf({ permissions: ['assets:*', 'store:admin'] })
  await assert.rejects(listAudits(opened.engine, reader, { limit: 1 }), refused('FORBIDDEN'))
  const auditor = callOf({ permissions: ['audit:view'] })
  await listAudits(opened.engine, auditor, { limit: 1 })
})
