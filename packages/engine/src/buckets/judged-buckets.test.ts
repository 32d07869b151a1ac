import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import {
  type BucketDocuments,
  type BucketRules,
  defaultBucketSettings,
  type JsonObject,
} from '@holdfast/core/records.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import { listAssets } from '../assets/list.ts'
import { commit } from '../commit.ts'
import { countTurns } from '../counted-turns.test.ts'
import { systemCall } from '../engine.ts'
import {
  callOf,
  anonymousCall as nobody,
  openTestStore,
  put,
  type TestStore,
} from '../test-store.test.ts'
import { createBucket, listBuckets, updateBucket } from './buckets.ts'
import { setBucketDocument } from './documents.ts'
import { JudgedBuckets } from './judged-buckets.ts'
import { removeBucket } from './remove-bucket.ts'

const reader = callOf({ kind: 'user', id: 'ron', name: 'ron', ...rightsOf(['READONLY']) })

function policyOf(bucket: string, effect: 'Allow' | 'Deny' = 'Allow'): JsonObject {
  const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`]
  const statement = { Effect: effect, Principal: '*', Action: 's3:*', Resource }
  return { Version: '2012-10-17', Statement: [statement] }
}

/** About as long as one may be, and as slow to decide by. */
function longPolicyOf(bucket: string): JsonObject {
  const { Statement, ...policy } = policyOf(bucket)
  const Resource = Array.from({ length: 500 }, (_, at) => `arn:aws:s3:::${bucket}/some-keys-${at}`)
  const statement = { Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource }
  return { ...policy, Statement: [...(Array.isArray(Statement) ? Statement : []), statement] }
}

/** Some 100 KB that no decision asks for. */
const bulky: BucketDocuments = { lifecycle: { Rules: ['r'.repeat(100_000)] } }

/** Does something at the first turn that is given away, or at each. */
function judgedWith({ engine }: TestStore, change: (turn: number) => Promise<unknown>) {
  let turn = 0
  const giveWay = () => async () => {
    turn += 1
    await change(turn)
  }
  return new JudgedBuckets(engine.catalog, { giveWay })
}

const told = ({ name, settings }: BucketRules) => `${name} ${settings.publicRead}`

async function make({ engine }: TestStore, name: string, documents: BucketDocuments) {
  const args = { name, settings: defaultBucketSettings, documents, existing: 'refuse' as const }
  await commit(engine, systemCall('test'), { name: 'buckets.create', args })
}

async function openWithPolicies(names: readonly string[]): Promise<TestStore> {
  const opened = await openTestStore({ thread: true })
  for (const name of names) await make(opened, name, { policy: longPolicyOf(name) })
  return opened
}

it('a change of a bucket holds for the very next list', async () => {
  await using opened = await openTestStore({ thread: true })
  const { engine, call } = opened
  await put(opened, 'k', 'x')
  const seenBy = async (one: Call) => {
    // Refused where nothing is open to it.
    const { total } = await listAssets(engine, one).catch(() => ({ total: 0 }))
    if (one === nobody) return String(total)
    const { items } = await listBuckets(engine, one)
    return [total, ...items.map(({ bucket }) => bucket.name)].join(' ')
  }
  const seen = async () => [await seenBy(nobody), await seenBy(reader), await seenBy(call)]
  const change = async (settings: { publicRead: boolean }) =>
    await updateBucket(engine, call, 'photos', settings)
  const setPolicy = async (policy: JsonObject | null) =>
    await setBucketDocument(engine, call, { bucket: 'photos', name: 'policy', document: policy })
  await change({ publicRead: true })
  const open = await seen()
  assert.deepEqual(
    open.map(one => one.split(' ')[0]),
    ['1', '1', '1'],
  )
  await setPolicy(policyOf('photos', 'Deny'))
  assert.deepEqual(
    (await seen()).map(one => one.split(' ')[0]),
    ['0', '0', '0'],
  )
  await setPolicy(null)
  assert.deepEqual(await seen(), open)
  await change({ publicRead: false })
  await assert.rejects(listAssets(engine, nobody))
  await setPolicy(policyOf('photos'))
  assert.equal((await listAssets(engine, nobody)).total, 1)
})

it('lists are judged in turns where many buckets have a policy', async () => {
  const names = Array.from({ length: 20 }, (_, at) => `b-${at}`)
  await using opened = await openWithPolicies(names)
  const { engine, call } = opened
  const turnsOf = async (list: () => Promise<unknown>) => {
    const counted = countTurns()
    await list()
    counted.stop()
    return counted.now()
  }
  for (const one of [nobody, reader, call]) {
    const turns = await turnsOf(() => listAssets(engine, one, { limit: 1 }))
    assert.ok(turns >= names.length / 2 - 1, `${turns} turns`)
  }
  assert.ok((await turnsOf(() => listBuckets(engine, reader, { limit: 1 }))) >= 9)
})

it('what changes while others are judged is judged by its newest record', async () => {
  await using opened = await openWithPolicies(['bbb', 'ccc', 'ddd', 'eee', 'fff'])
  const { engine, call } = opened
  for (const name of ['aaa', 'ggg']) await createBucket(engine, call, { name })
  await updateBucket(engine, call, 'aaa', { publicRead: true })
  const judged = judgedWith(opened, async turn => {
    if (turn > 1) return
    await updateBucket(engine, call, 'aaa', { publicRead: false })
    await removeBucket(engine, call, 'bbb')
    await createBucket(engine, call, { name: 'aaa-new' })
  })
  const asked: string[] = []
  const found = await judged.judge(call, bucket => {
    asked.push(bucket.name)
    return told(bucket)
  })
  const names = ['aaa', 'aaa-new', 'ccc', 'ddd', 'eee', 'fff', 'ggg', 'photos']
  assert.deepEqual(
    found,
    names.map(name => `${name} false`),
  )
  // What did not change is not judged again.
  assert.equal(asked.filter(name => name === 'ccc').length, 1)
  assert.equal(asked.filter(name => name === 'aaa').length, 2)
})

it('changes without end do not keep a list from ending', async () => {
  await using opened = await openWithPolicies(['bbb', 'ccc', 'ddd', 'eee', 'fff'])
  const { engine, call } = opened
  let turns = 0
  const judged = judgedWith(opened, async turn => {
    turns = turn
    await updateBucket(engine, call, 'photos', { versionsMax: turn })
    await updateBucket(engine, call, 'fff', { versionsMax: turn })
  })
  assert.equal((await judged.judge(call, told)).length, 6)
  assert.ok(turns > 1 && turns < 20)
})

it('confined credentials are told of their buckets alone, in turns, too', async () => {
  const names = ['bbb', 'ccc', 'ddd', 'eee', 'fff', 'ggg']
  await using opened = await openWithPolicies(names)
  const confined = callOf({ permissions: ['*'], buckets: [...names, 'none'] })
  let turns = 0
  const judged = judgedWith(opened, async turn => {
    turns = turn
  })
  const found = await judged.judge(confined, ({ name }) => name)
  assert.deepEqual(found, names)
  assert.ok(turns > 1)
})

it('whether any bucket has a policy is told by what is there at the end', async () => {
  await using opened = await openTestStore({ thread: true })
  const { engine, call } = opened
  for (let at = 0; at < 12; at += 1) {
    await make(opened, `bulky-${at}`, bulky)
  }
  const set = async (document: JsonObject | null) =>
    await setBucketDocument(engine, call, { bucket: 'bulky-0', name: 'policy', document })
  let turns = 0
  const judged = judgedWith(opened, async () => {
    turns += 1
    if (turns === 1) await set(policyOf('bulky-0'))
  })
  assert.equal(await judged.havePolicies(call), true)
  assert.ok(turns > 0, 'all was read in one turn')
  await set(null)
  assert.equal(await judged.havePolicies(call), false)
  assert.equal(await judged.havePolicies(call), false)
  await set(policyOf('bulky-0'))
  assert.equal(await judged.havePolicies(call), true)
})

it('pages of buckets give each once, whoever may see all of them or not', async () => {
  const names = ['aaa', 'bbb', 'ccc', 'ddd', 'eee']
  await using opened = await openWithPolicies(names)
  const { engine, call } = opened
  for (const one of [call, reader]) {
    for (const limit of [1, 2, 3, 6, 7]) {
      const found: string[] = []
      let after: string | undefined
      do {
        const page = await listBuckets(engine, one, { after, limit })
        assert.equal(page.total, 6)
        found.push(...page.items.map(({ bucket }) => bucket.name))
        after = page.after
      } while (after !== undefined)
      assert.deepEqual(found, [...names, 'photos'])
    }
  }
})
