import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { type AuditRow, auditText, firstAuditLink } from '@holdfast/core/identities.ts'
import { catalogTest } from '../catalog-test.ts'
import type { OpenCatalog } from '../under-test.ts'
import { entryOf, newSession, newUser } from './identities.ts'

/** Users, what belongs to them, and the audit log. */
export function identityTests(open: OpenCatalog): void {
  recordTests(open)
  auditTests(open)
}

const note = { do: 'note', change: { what: 'identity.set' } } as const

function recordTests(open: OpenCatalog): void {
  catalogTest(open, 'identities are found by id and name, and only as their kind', async desk => {
    const user = newUser({ username: 'ann', names: ['ann', 'ann@example.org'] })
    await desk.write([{ do: 'identity', record: user }, note])
    const { identities } = desk.view
    assert.equal((await identities.byId('user', user.id))?.username, 'ann')
    assert.equal((await identities.byName('user', 'ann@example.org'))?.id, user.id)
    assert.equal(await identities.byId('session', user.id), undefined)
    assert.equal(await identities.byName('group', 'ann'), undefined)
    assert.deepEqual([await identities.count('user'), await identities.count('group')], [1, 0])
  })
  catalogTest(open, 'an identity that is put again gives up its old names', async desk => {
    const user = newUser({ username: 'old', names: ['old'] })
    await desk.write([{ do: 'identity', record: user }, note])
    await desk.write([{ do: 'identity', record: { ...user, seq: 0, names: ['new'] } }, note])
    const { identities } = desk.view
    assert.equal(await identities.byName('user', 'old'), undefined)
    assert.equal((await identities.byName('user', 'new'))?.id, user.id)
    await desk.write([{ do: 'identity', record: newUser({ username: 'old' }) }, note])
    assert.equal(await identities.count('user'), 2)
  })
  catalogTest(open, 'identities are listed by kind and by what they belong to', async desk => {
    const [ann, bob] = [newUser({ username: 'ann' }), newUser({ username: 'bob' })]
    const sessions = [ann, ann, bob].map(({ id }) => newSession({ belongsTo: id }))
    for (const record of [ann, bob, ...sessions]) {
      await desk.write([{ do: 'identity', record }, note])
    }
    const { identities } = desk.view
    const ids = async (query: { belongsTo?: string; after?: string; limit: number }) =>
      (await identities.list({ kind: 'session', ...query })).map(({ id }) => id)
    const [one, two, three] = sessions.map(({ id }) => id)
    assert.deepEqual(await ids({ limit: 10 }), [one, two, three])
    assert.deepEqual(await ids({ belongsTo: ann.id, limit: 10 }), [one, two])
    assert.deepEqual(await ids({ after: one ?? '', limit: 1 }), [two])
    await desk.write([{ do: 'remove', what: 'identity', id: one ?? '' }, note])
    assert.deepEqual(await ids({ limit: 10 }), [two, three])
  })
}

function auditTests(open: OpenCatalog): void {
  catalogTest(open, 'audit rows are numbered and chained, across transactions', async desk => {
    for (const action of ['login', 'logout', 'login']) {
      await desk.write([{ do: 'audit', entry: entryOf(action) }])
    }
    const rows = await desk.view.audits.after(0, 10)
    let previous = firstAuditLink
    for (const [index, row] of rows.entries()) {
      assert.equal(row.seq, index + 1)
      assert.equal(row.previous, previous)
      assert.equal(row.hash, hash('sha256', auditText(row)))
      previous = row.hash
    }
    assert.deepEqual(await desk.view.audits.end(), { seq: rows.length, hash: previous })
  })
  catalogTest(open, 'audit rows are filtered and paged both ways', async desk => {
    for (let n = 0; n < 5; n += 1) {
      const at = `2026-05-0${n + 1}T00:00:00.000Z`
      const entry = { ...entryOf(n % 2 === 0 ? 'login' : 'logout'), at }
      await desk.write([{ do: 'audit', entry }])
    }
    const { audits } = desk.view
    const seqs = (rows: readonly AuditRow[]) => rows.map(({ seq }) => seq)
    assert.deepEqual(seqs(await audits.after(2, 2)), [3, 4])
    assert.deepEqual(seqs(await audits.before(Number.MAX_SAFE_INTEGER, 2)), [5, 4])
    assert.deepEqual(seqs(await audits.after(0, 9, { action: 'login' })), [1, 3, 5])
    const span = { from: '2026-05-02T00:00:00.000Z', until: '2026-05-04T00:00:00.000Z' }
    assert.deepEqual(seqs(await audits.after(0, 9, span)), [2, 3])
    const bounds = { above: 1, below: 4 }
    assert.deepEqual(seqs(await audits.after(0, 9, bounds)), [2, 3])
    assert.deepEqual(seqs(await audits.before(9, 9, { ...bounds, action: 'login' })), [3])
    assert.equal(await audits.count(bounds), 2)
    assert.equal(await audits.count({ action: 'login', actor: 'someone' }), 3)
    assert.equal(await audits.count({ actor: "' OR 1=1 --" }), 0)
  })
  catalogTest(open, 'pages of large audit rows end early, never before their first', async desk => {
    const detail = { before: 'x'.repeat(2 ** 19) }
    for (let n = 0; n < 5; n += 1) {
      await desk.write([{ do: 'audit', entry: { ...entryOf('login'), detail } }])
    }
    const { audits } = desk.view
    const seqs = (rows: readonly AuditRow[]) => rows.map(({ seq }) => seq)
    const places = async (after: number) => (await audits.filed(after, 9)).map(({ place }) => place)
    for (const filter of [undefined, { action: 'login' }]) {
      assert.deepEqual(seqs(await audits.after(1, 9, filter)), [2, 3])
      assert.deepEqual(seqs(await audits.before(5, 9, filter)), [4, 3])
      assert.deepEqual(seqs(await audits.after(5, 9, filter)), [])
    }
    assert.deepEqual([await places(1), await places(4), await places(5)], [[2, 3], [5], []])
    const huge = { before: 'x'.repeat(2 ** 21) }
    await desk.write([{ do: 'audit', entry: { ...entryOf('login'), detail: huge } }])
    assert.deepEqual([seqs(await audits.after(5, 9)), await places(5)], [[6], [6]])
  })
  catalogTest(open, 'audit rows that were dropped stay gone, and the others stay', async desk => {
    for (let n = 0; n < 5; n += 1) await desk.write([{ do: 'audit', entry: entryOf('login') }])
    const end = await desk.view.audits.end()
    await assert.rejects(desk.write([{ do: 'dropAudits', until: 5 }]))
    assert.equal(await desk.view.audits.count(), 5)
    await desk.write([
      { do: 'audit', entry: entryOf('dropped') },
      { do: 'dropAudits', until: 3 },
    ])
    const seqs = async () => (await desk.view.audits.after(0, 9)).map(({ seq }) => seq)
    assert.deepEqual(await seqs(), [4, 5, 6])
    assert.equal((await desk.view.audits.after(5, 1))[0]?.previous, end.hash)
    if (desk.under.rebuild === undefined) return
    desk.catalog = await desk.under.rebuild()
    assert.deepEqual(await seqs(), [4, 5, 6])
    await desk.write([{ do: 'audit', entry: entryOf('next') }])
    assert.deepEqual(await seqs(), [4, 5, 6, 7])
  })
}
