import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Bucket, defaultBucketSettings } from '@holdfast/core/records.ts'
import { openDatabase } from '../database.ts'
import { Buckets } from './buckets.ts'

function bucketOf(id: string, ownerId: string | null): Bucket {
  const at = '2026-01-01T00:00:00.000Z'
  const made = { createdAt: at, createdBy: 'a', updatedAt: at, seq: 1 }
  return { id, name: id, settings: defaultBucketSettings, ownerId, ...made }
}

function openBuckets() {
  const db = openDatabase(':memory:')
  const buckets = new Buckets(db)
  const run = (sql: string) => db.exec(sql)
  const counts = () => ['ann', 'bob'].map(owner => buckets.countOwnedBy(owner)).join()
  /** As the committer does it. */
  const takeBack = (sql: string) => {
    db.exec(sql)
    buckets.forget()
  }
  return { db, buckets, run, counts, takeBack }
}

it('owned buckets are counted as they are made, given and removed', () => {
  const { db, buckets, counts } = openBuckets()
  buckets.put(bucketOf('b1', 'ann'))
  assert.equal(counts(), '1,0')
  buckets.put(bucketOf('b2', 'ann'))
  buckets.put(bucketOf('b3', null))
  assert.equal(counts(), '2,0')
  buckets.put(bucketOf('b2', 'bob'))
  assert.equal(counts(), '1,1')
  buckets.remove('b1')
  assert.equal(counts(), '0,1')
  assert.equal(new Buckets(db).countOwnedBy('bob'), 1)
})

it('what is taken back counts no more, and what was taken away counts again', () => {
  const { buckets, run, counts, takeBack } = openBuckets()
  buckets.put(bucketOf('old', 'ann'))
  run('BEGIN')
  buckets.put(bucketOf('new', 'ann'))
  buckets.remove('old')
  assert.equal(counts(), '1,0')
  buckets.put(bucketOf('given', 'bob'))
  assert.equal(counts(), '1,1')
  takeBack('ROLLBACK')
  assert.equal(counts(), '1,0')
  assert.equal(buckets.byId('new'), undefined)
})

it('what came before a savepoint may be taken back after it was', () => {
  const { buckets, run, counts, takeBack } = openBuckets()
  run('BEGIN')
  run('SAVEPOINT one')
  buckets.put(bucketOf('first', 'ann'))
  run('RELEASE one')
  run('SAVEPOINT one')
  buckets.put(bucketOf('second', 'bob'))
  assert.equal(counts(), '1,1')
  takeBack('ROLLBACK TO one')
  run('RELEASE one')
  assert.equal(counts(), '1,0')
  takeBack('ROLLBACK')
  assert.equal(counts(), '0,0')
})
