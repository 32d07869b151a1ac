import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { anonymous, type Permission, type Principal } from '@holdfast/core/principal.ts'
import { defaultBucketSettings, type JsonObject } from '@holdfast/core/records.ts'
import { refused } from '../test-store.test.ts'
import { authorize, decide, mayPartly, type Resource, refuseMissing } from './decide.ts'
import { narrow } from './narrow.ts'

const closed = { name: 'closed', settings: defaultBucketSettings, ownerId: null }
const open = {
  ...{ name: 'open', ownerId: null },
  settings: { ...defaultBucketSettings, publicRead: true },
}
const hers = { ...closed, name: 'hers', ownerId: 'maker' }
const place = { ownerId: 'somebody', key: 'a/b' }
const plain = { id: 'a', acl: null, ...place }
const guarded = { ...plain, acl: { read: ['reader', 'both'], write: ['writer', 'both'] } }
const published = { ...plain, acl: { read: ['anonymous'], write: ['anonymous'] } }

function principal(id: string, permissions: string[], buckets: string[] | null = null): Principal {
  return { kind: 'api_key', id, name: id, permissions, buckets }
}

const admin = principal('admin', ['*'])
const confinedAdmin = principal('admin', ['*'], ['open'])
const writer = principal('w', ['assets:*'])
const confined = principal('c', ['assets:*', 'keys:admin'], ['closed'])
const reader = principal('reader', [])
const namedWriter = principal('writer', [])
const nobody = principal('nobody', [])
const metrics = principal('metrics', ['metrics:read'])
const link: Principal = { ...admin, kind: 'link' }
const person: Principal = {
  ...principal('person', []),
  kind: 'user',
  ownPermissions: ['assets:read', 'assets:write'],
  groups: ['team'],
}
const own = { ...plain, ownerId: 'person' }
const ownGuarded = { ...guarded, ownerId: 'person' }
const forTeam = { ...plain, acl: { read: ['team'], write: [] } }
const inOpen: Principal = { ...person, buckets: ['open'] }
const granted: Principal = {
  ...principal('granted', []),
  grants: [
    { bucket: 'closed', prefix: 'a/', permissions: ['assets:*'] },
    { bucket: 'open', prefix: '', permissions: ['*:read'] },
  ],
}
const maker = principal('maker', ['buckets:create'])
const tiedMaker = principal('maker', ['buckets:create'], ['closed'])
const readsOnly = narrow(maker, { by: 'the key', permissions: ['assets:read', 'buckets:read'] })
const hersShown: Principal = {
  ...principal('granted', []),
  grants: [{ bucket: 'hers', prefix: 'a/', permissions: ['assets:read'] }],
}
const ownThere = { ...plain, ownerId: 'person' }
const elsewhere = { ...plain, key: 'ab' }

const table: [Principal, Permission, Resource, boolean, string][] = [
  [person, 'assets:write', { bucket: closed, asset: own }, true, 'an owner may'],
  [person, 'assets:write', { bucket: closed, asset: ownGuarded }, true, 'whatever the list says'],
  [person, 'assets:write', { bucket: closed, asset: plain }, false, 'with own assets only'],
  [person, 'metadata:read', { bucket: closed, asset: own }, false, 'as far as the right goes'],
  [person, 'assets:write', { bucket: closed }, false, 'and not with the bucket'],
  [person, 'assets:write', { bucket: closed, fresh: own }, true, 'may make what it will own'],
  [person, 'assets:write', { bucket: closed, fresh: plain }, false, 'but not for others'],
  [inOpen, 'assets:write', { bucket: closed, asset: own }, false, 'only where it is confined to'],
  [person, 'assets:read', { bucket: closed, asset: forTeam }, true, 'a list may name a group'],
  [person, 'assets:write', { bucket: closed, asset: forTeam }, false, 'for what it names it for'],
  [granted, 'assets:write', { bucket: closed, asset: plain }, true, 'a grant opens its prefix'],
  [granted, 'assets:write', { bucket: closed, fresh: plain }, true, 'for new assets as well'],
  [granted, 'assets:read', { bucket: closed, asset: elsewhere }, false, 'nothing beside it'],
  [granted, 'assets:read', { bucket: closed, asset: guarded }, false, 'no guarded asset'],
  [granted, 'assets:write', { bucket: open, asset: plain }, false, 'no other bucket'],
  [granted, 'buckets:read', { bucket: open }, true, 'without a prefix it is for the bucket'],
  [granted, 'assets:write', { bucket: closed }, false, 'with one it is not'],
  [granted, 'keys:admin', {}, false, 'and nothing store-wide'],
  [maker, 'buckets:create', { bucket: hers }, true, 'buckets of ones own may be made'],
  [maker, 'buckets:admin', { bucket: hers }, true, 'and are ruled by their owner'],
  [maker, 'policy:admin', { bucket: hers }, true, 'with their policies'],
  [maker, 'assets:read', { bucket: hers, asset: plain }, true, 'and what others put there'],
  [maker, 'versions:write', { bucket: hers, asset: plain }, true, 'for good, too'],
  [maker, 'assets:read', { bucket: hers, asset: guarded }, false, 'but no guarded asset'],
  [maker, 'quotas:admin', { bucket: hers }, false, 'and no limits of it'],
  [maker, 'buckets:admin', { bucket: closed }, false, 'no bucket that nobody owns'],
  [maker, 'assets:read', { bucket: closed, asset: plain }, false, 'nor what is in it'],
  [maker, 'buckets:read', { bucket: { ...hers, ownerId: 'x' } }, false, 'nor those of others'],
  [tiedMaker, 'assets:read', { bucket: hers, asset: plain }, false, 'nor what it is confined from'],
  [readsOnly, 'assets:read', { bucket: hers, asset: plain }, true, 'a narrowed owner has the rest'],
  [readsOnly, 'assets:write', { bucket: hers, fresh: plain }, false, 'and no more'],
  [readsOnly, 'buckets:admin', { bucket: hers }, false, 'and no more'],
  [principal('maker', []), 'assets:read', { bucket: hers }, false, 'without the right: nothing'],
  [person, 'assets:write', { bucket: hers, fresh: own }, false, 'others make nothing there'],
  [person, 'assets:write', { bucket: hers, asset: ownThere }, true, 'but keep what is theirs'],
  [principal('x', ['buckets:read']), 'buckets:read', { bucket: hers }, false, 'nor see it'],
  [principal('x', ['*:read']), 'buckets:read', { bucket: hers }, true, 'unless they read all'],
  [principal('x', ['buckets:*']), 'buckets:read', { bucket: hers }, true, 'or rule all'],
  [principal('x', ['buckets:*']), 'assets:read', { bucket: hers }, false, 'which reads nothing'],
  [writer, 'assets:write', { bucket: hers, asset: plain }, true, 'a scope is for all buckets'],
  [hersShown, 'assets:read', { bucket: hers, asset: plain }, true, 'and a grant for its prefix'],
  [anonymous, 'buckets:create', {}, false, 'nobody makes buckets without a credential'],
  [admin, 'buckets:admin', { bucket: hers }, true, 'administrators rule all'],
  [admin, 'store:admin', {}, true, 'administrators do what concerns no bucket'],
  [admin, 'assets:write', { bucket: closed, asset: guarded }, true, 'and pass every list'],
  [confinedAdmin, 'assets:write', { bucket: closed, asset: guarded }, false, 'in their buckets'],
  [confinedAdmin, 'assets:write', { bucket: open, asset: guarded }, true, 'in their buckets'],
  [confinedAdmin, 'keys:admin', {}, false, 'a confined key rules nothing store-wide'],
  [writer, 'assets:write', { bucket: closed, asset: plain }, true, 'a scope grants'],
  [writer, 'assets:read', { bucket: closed }, true, 'a pattern of one resource covers it'],
  [writer, 'versions:read', { bucket: closed, asset: plain }, false, 'and nothing else'],
  [writer, 'assets:write', { bucket: closed, asset: guarded }, false, 'a list narrows a scope'],
  [confined, 'assets:write', { bucket: closed, asset: plain }, true, 'inside its bucket'],
  [confined, 'assets:write', { bucket: open, asset: plain }, false, 'not outside'],
  [confined, 'assets:read', { bucket: open, asset: plain }, true, 'but what is public is public'],
  [confined, 'assets:read', { asset: plain }, false, 'an unknown bucket is not its bucket'],
  [confined, 'keys:admin', {}, false, 'confinement bounds store-wide permissions'],
  [reader, 'assets:read', { bucket: closed, asset: guarded }, true, 'named: needs no scope'],
  [reader, 'versions:read', { bucket: closed, asset: guarded }, true, 'for reading of every kind'],
  [reader, 'assets:write', { bucket: closed, asset: guarded }, false, 'not for writing'],
  [reader, 'assets:read', { bucket: closed, asset: plain }, false, 'and only that asset'],
  [namedWriter, 'metadata:write', { bucket: closed, asset: guarded }, true, 'named for writing'],
  [namedWriter, 'assets:read', { bucket: closed, asset: guarded }, false, 'is not reading'],
  [nobody, 'assets:read', { bucket: closed, asset: plain }, false, 'no scope, no access'],
  [nobody, 'assets:read', { bucket: open, asset: plain }, true, 'public reading is for all'],
  [nobody, 'assets:read', { bucket: open, asset: guarded }, false, 'a list closes a public asset'],
  [metrics, 'assets:read', { bucket: closed, asset: plain }, false, 'another scope does not help'],
  [anonymous, 'assets:read', { bucket: open, asset: plain }, true, 'public asset'],
  [anonymous, 'metadata:read', { bucket: open, asset: plain }, true, 'and its metadata'],
  [anonymous, 'versions:read', { bucket: open, asset: plain }, false, 'but not its history'],
  [anonymous, 'assets:write', { bucket: open, asset: plain }, false, 'never writing'],
  [anonymous, 'assets:read', { bucket: closed, asset: plain }, false, 'closed bucket'],
  [anonymous, 'assets:read', { bucket: closed, asset: published }, true, 'published by its list'],
  [anonymous, 'assets:write', { bucket: closed, asset: published }, false, 'never writing'],
  [link, 'assets:read', { bucket: closed, asset: guarded }, true, 'a link reads for its issuer'],
  [link, 'keys:admin', {}, false, 'and administers nothing'],
  [link, 'metadata:write', { bucket: closed, asset: plain }, false, 'nor changes metadata'],
  [principal('x', ['assets:fly']), 'assets:read', { bucket: closed }, false, 'unknown scopes'],
  [principal('x', ['*:read']), 'assets:read', { bucket: closed }, true, 'one action of all'],
  [principal('x', ['*:read']), 'assets:write', { bucket: closed }, false, 'not the others'],
]

describe('decide', () => {
  for (const [who, permission, resource, allowed, why] of table) {
    const name = `${why}: ${who.kind} ${who.id} ${permission} is ${allowed ? '' : 'not '}allowed`
    it(name, () => {
      const decision = decide(who, permission, resource)
      assert.equal(decision.allowed, allowed, decision.reason)
      assert.ok(decision.reason.length > 0)
    })
  }

  it('asks the documents of a bucket: deny wins, settings stay open to administrators', () => {
    const statement = (more: object) => ({ Resource: ['arn:aws:s3:::closed/*'], ...more })
    const policy = (...statements: JsonObject[]) => ({
      ...closed,
      documents: { policy: { Version: '2012-10-17', Statement: statements } },
    })
    const denied = policy(statement({ Effect: 'Deny', Principal: '*', Action: 's3:*' }), {
      ...statement({ Effect: 'Deny', Principal: '*', Action: 's3:*' }),
      Resource: 'arn:aws:s3:::closed',
    })
    const asset = { ...plain, key: 'k' }
    assert.equal(decide(admin, 'assets:read', { bucket: denied, asset }).allowed, false)
    assert.equal(
      decide(writer, 'assets:write', { bucket: denied, fresh: { ...plain, key: 'new' } }).allowed,
      false,
    )
    assert.equal(decide(admin, 'buckets:admin', { bucket: denied }).allowed, true)
    const owned = { ...denied, ownerId: 'maker' }
    assert.equal(decide(maker, 'policy:admin', { bucket: owned }).allowed, true)
    assert.equal(decide(maker, 'assets:read', { bucket: owned, asset }).allowed, false)
    assert.equal(decide(readsOnly, 'policy:admin', { bucket: owned }).allowed, false)
    const bypass = { bucket: denied, asset, action: 's3:BypassGovernanceRetention' } as const
    assert.equal(decide(admin, 'buckets:admin', bypass).allowed, false)
    const opened = policy(
      statement({ Effect: 'Allow', Principal: { AWS: ['nobody', '*'] }, Action: 's3:GetObject' }),
    )
    assert.equal(decide(nobody, 'assets:read', { bucket: opened, asset }).allowed, true)
    assert.equal(decide(anonymous, 'assets:read', { bucket: opened, asset }).allowed, true)
    assert.equal(decide(anonymous, 'assets:write', { bucket: opened, asset }).allowed, false)
    const listed = { ...guarded, key: 'k' }
    assert.equal(decide(nobody, 'assets:read', { bucket: opened, asset: listed }).allowed, false)
    const block = { restrictPublicBuckets: true }
    const blocked = { ...opened, documents: { ...opened.documents, publicAccessBlock: block } }
    assert.equal(decide(anonymous, 'assets:read', { bucket: blocked, asset }).allowed, false)
    assert.equal(decide(nobody, 'assets:read', { bucket: blocked, asset }).allowed, true)
    const grants = { owner: 'o', grants: [{ grantee: 'all', permission: 'READ' }] } as const
    const byList = (publicAccessBlock: JsonObject) =>
      decide(anonymous, 'assets:read', {
        ...{ bucket: { ...closed, documents: { publicAccessBlock } }, asset, versionAcl: grants },
      }).allowed
    assert.equal(byList(block), true, 'as at AWS, lists are not what it restricts')
    assert.equal(byList({ ignorePublicAcls: true }), false)
  })

  it('denies by the policy to owners, to those named in a list and to holders of grants', () => {
    const deny = { Effect: 'Deny', Principal: '*', Action: 's3:*' }
    const of = (Resource: string) => {
      const policy = { Version: '2012-10-17', Statement: [{ ...deny, Resource }] }
      return { ...closed, documents: { policy } }
    }
    const bucket = of('arn:aws:s3:::closed/*')
    const asked: [Principal, Permission, Resource][] = [
      [person, 'assets:write', { asset: own }],
      [person, 'assets:write', { asset: ownGuarded }],
      [person, 'assets:write', { fresh: own }],
      [person, 'assets:read', { asset: forTeam }],
      [granted, 'assets:write', { asset: plain }],
      [granted, 'assets:write', { fresh: plain }],
      [reader, 'assets:read', { asset: guarded }],
      [link, 'assets:read', { asset: plain }],
    ]
    for (const [who, permission, resource] of asked) {
      assert.equal(decide(who, permission, { ...resource, bucket: closed }).allowed, true)
      const { allowed, reason } = decide(who, permission, { ...resource, bucket })
      assert.deepEqual([allowed, reason], [false, 'denied by the policy of the bucket'])
    }
    assert.equal(mayPartly(person, 'assets:read', bucket), true)
    assert.equal(mayPartly(person, 'assets:read', of('arn:aws:s3:::closed')), false)
    assert.equal(mayPartly(granted, 'assets:read', of('arn:aws:s3:::closed')), false)
  })

  it('opens what access lists of S3 grant, unless lists are switched off', () => {
    const acl: JsonObject = {
      owner: 'someone',
      grants: [
        { permission: 'READ', grantee: 'all' },
        { permission: 'WRITE', grantee: { id: 'nobody' } },
      ],
    }
    const bucket = { ...closed, documents: { acl } }
    assert.equal(decide(anonymous, 'assets:read', { bucket }).allowed, true)
    assert.equal(decide(anonymous, 'assets:read', { bucket, asset: plain }).allowed, false)
    assert.equal(
      decide(nobody, 'assets:write', { bucket, fresh: { ...plain, key: 'k' } }).allowed,
      true,
    )
    assert.equal(
      decide(anonymous, 'assets:write', { bucket, fresh: { ...plain, key: 'k' } }).allowed,
      false,
    )
    const versionAcl = { owner: 'o', grants: [{ permission: 'READ', grantee: 'all' }] } as const
    assert.equal(
      decide(anonymous, 'assets:read', { bucket: closed, asset: plain, versionAcl }).allowed,
      true,
    )
    for (const documents of [
      { acl, ownership: { rule: 'BucketOwnerEnforced' } },
      { acl, publicAccessBlock: { ignorePublicAcls: true } },
    ]) {
      const off = { ...closed, documents }
      assert.equal(decide(anonymous, 'assets:read', { bucket: off }).allowed, false)
      assert.equal(
        decide(anonymous, 'assets:read', { bucket: off, asset: plain, versionAcl }).allowed,
        false,
      )
    }
  })
})

describe('authorize', () => {
  const cases: [Principal, Permission, Resource, Parameters<typeof refused>][] = [
    [anonymous, 'assets:read', { bucket: closed, asset: plain }, ['UNAUTHENTICATED']],
    [anonymous, 'assets:read', { bucket: closed, asset: guarded }, ['UNAUTHENTICATED']],
    [nobody, 'assets:read', { bucket: closed, asset: guarded }, ['FORBIDDEN']],
    [writer, 'assets:read', { bucket: closed, asset: guarded }, ['ASSET_NOT_FOUND']],
    [confined, 'assets:write', { bucket: open, asset: plain }, ['FORBIDDEN']],
    [confinedAdmin, 'assets:read', { bucket: closed, asset: plain }, ['ASSET_NOT_FOUND']],
    [confinedAdmin, 'assets:read', { bucket: closed }, ['BUCKET_NOT_FOUND', { bucket: 'closed' }]],
    [metrics, 'keys:admin', {}, ['FORBIDDEN', { permission: 'keys:admin' }]],
    [confined, 'keys:admin', {}, ['FORBIDDEN', { permission: 'keys:admin' }]],
  ]
  for (const [who, permission, resource, [code, details]] of cases) {
    it(`answers ${code} to ${who.id} for ${permission}`, () => {
      assert.throws(() => authorize(who, permission, resource), refused(code, details))
    })
  }

  it('keeps who is narrowed to a place to it, whatever else they may', () => {
    const within = { by: 'share', place: { bucket: 'closed', prefix: 'a/' } }
    const shared: Principal = {
      ...admin,
      kind: 'share',
      within: { ...within, permissions: ['assets:read'] },
    }
    const may = (resource: Resource) => decide(shared, 'assets:read', resource).allowed
    assert.ok(may({ bucket: closed, asset: plain }))
    for (const resource of [
      { bucket: closed, asset: { ...plain, key: 'ab' } },
      { bucket: closed, fresh: { ...place, key: 'b/a/' } },
      { bucket: closed },
      { bucket: hers, asset: plain },
    ]) {
      assert.equal(may(resource), false)
    }
    assert.equal(decide(shared, 'assets:write', { bucket: closed, asset: plain }).allowed, false)
  })

  it('answers for a hidden asset exactly as for a missing one', () => {
    const missing = ['ASSET_NOT_FOUND', { asset_id: 'a' }] as const
    for (const who of [anonymous, nobody, metrics, writer, principal('x', ['versions:*'])]) {
      for (const permission of ['assets:read', 'assets:write', 'versions:read'] as const) {
        const hidden = thrownBy(() =>
          authorize(who, permission, { bucket: closed, asset: guarded }),
        )
        const absent = thrownBy(() => refuseMissing(who, permission, missing))
        assert.deepEqual(hidden, absent, `${who.id} ${permission}`)
      }
    }
  })
})

function thrownBy(work: () => void): unknown {
  try {
    work()
  } catch (error) {
    const { code, details } = error as { code: string; details: unknown }
    return { code, details }
  }
  return assert.fail('nothing was thrown')
}
