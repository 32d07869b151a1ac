import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Principal } from '@holdfast/core/principal.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { commit } from '../../commit.ts'
import { systemCall } from '../../engine.ts'
import { createAccount } from '../../identity/accounts/accounts.ts'
import type { AdoptArgs } from '../../identity/outside/adopt-transaction.ts'
import { principalOfUser } from '../../identity/principal-of-user.ts'
import { createUser } from '../../identity/users/users.ts'
import { openTestStore, type TestStore } from '../../test-store.test.ts'
import { createKey, principalOfKey } from '../keys/keys.ts'
import { currentPrincipal } from '../links/current-principal.ts'
import { evaluatePolicy } from './evaluate-policy.ts'

const password = 'Correct-Horse-7-Battery'

function said(principal: Principal, statement: JsonObject) {
  const all = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' }
  const policy = { Version: '2012-10-17', Statement: [{ ...all, ...statement }] }
  return evaluatePolicy(policy, { principal, action: 's3:GetObject', bucket: 'b', key: 'k' })
}

/** As a login at another place makes it, with a name that somebody chose there. */
async function outsider(
  { engine }: TestStore,
  { source, username, names = [] }: Pick<AdoptArgs, 'source' | 'username'> & { names?: string[] },
): Promise<Principal> {
  const args: AdoptArgs = {
    id: `0199d0c0-0000-8000-8000-00000000000${'oidc token ldap'.indexOf(source) % 9}`,
    ...{ source, username, names, email: null, firstName: '', lastName: '', roles: [] },
    ...{ buckets: null, outside: { issuer: source, subject: 's', permissions: [], groups: [] } },
  }
  const user = await commit(engine, systemCall('test'), { name: 'users.adopt', args })
  return (await principalOfUser(engine, user)).principal
}

test('a policy means nobody who only calls itself like the one it names', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const ann = await createUser(engine, call, { username: 'ann', password })
  const { principal } = await principalOfUser(engine, ann)
  const { key } = await createKey(engine, call, { name: 'ann', permissions: ['buckets:read'] })
  const others = [
    principalOfKey(key),
    await outsider(opened, { source: 'token', username: 'ann' }),
    await outsider(opened, { source: 'oidc', username: 'ann' }),
    // Its name is taken here, so that it logs in by its address.
    await outsider(opened, { source: 'ldap', username: 'ann', names: ['ann', 'x@example.org'] }),
  ]
  const named = { Principal: { AWS: 'arn:aws:iam::1:user/ann' } }
  const exceptNamed = { Effect: 'Deny', NotPrincipal: { AWS: 'ann' } }
  const byName = { Principal: '*', Condition: { StringEquals: { 'aws:username': 'ann' } } }
  assert.deepEqual([said(principal, named), said(principal, byName)], ['allow', 'allow'])
  assert.equal(said(principal, exceptNamed), undefined)
  for (const other of others) {
    assert.equal(other.name, 'ann')
    assert.equal(said(other, named), undefined, other.kind)
    assert.equal(said(other, byName), undefined, other.kind)
    assert.equal(said(other, exceptNamed), 'deny', other.kind)
    assert.equal(said(other, { Principal: { AWS: other.id } }), 'allow', other.kind)
    // Whoever takes the name of somebody who is shut out is shut out, too.
    assert.equal(said(other, { ...named, Effect: 'Deny' }), 'deny', other.kind)
  }
})

test('names that only one has are known to policies, and no name is an id of another', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const bob = await outsider(opened, { source: 'ldap', username: 'Bob', names: ['bob'] })
  assert.equal(said(bob, { Principal: { AWS: 'Bob' } }), 'allow')
  const { account } = await createAccount(engine, call, { name: 'runner' })
  const runner = await currentPrincipal(engine, { kind: 'service_account', id: account.id })
  assert.ok(runner !== undefined)
  assert.equal(said(runner, { Principal: { AWS: account.clientId } }), 'allow')
  const thief = await createUser(engine, call, { username: account.id, password })
  const { principal } = await principalOfUser(engine, thief)
  assert.equal(said(principal, { Principal: { AWS: account.id } }), undefined)
  const double = await createUser(engine, call, { username: account.clientId, password })
  const { principal: called } = await principalOfUser(engine, double)
  assert.equal(said(called, { Principal: { AWS: account.clientId } }), undefined)
  const byName = { StringEquals: { 'aws:username': account.clientId } }
  assert.equal(said(called, { Principal: '*', Condition: byName }), undefined)
})

test('who is shut out by name or id is so in any case of letters', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const ann = await createUser(engine, call, { username: 'Ann', password })
  const { principal } = await principalOfUser(engine, ann)
  // The directory spells a name anew: it is still the same person.
  const bob = await outsider(opened, { source: 'ldap', username: 'BOB', names: ['bob'] })
  for (const [of, AWS] of [
    [principal, 'arn:aws:iam::ann:root'],
    [principal, ann.id.toUpperCase()],
    [bob, 'Bob'],
  ] as const) {
    assert.equal(said(of, { Effect: 'Deny', Principal: { AWS } }), 'deny', AWS)
    assert.equal(said(of, { Principal: { AWS } }), undefined, AWS)
    assert.equal(said(of, { Effect: 'Deny', NotPrincipal: { AWS } }), 'deny', AWS)
  }
})
