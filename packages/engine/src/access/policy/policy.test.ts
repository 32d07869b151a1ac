import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { anonymous, type Principal, type RequestFacts } from '@holdfast/core/principal.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { refused } from '../../test-store.test.ts'
import { actionPermissions } from '../actions.ts'
import { holds } from './conditions.ts'
import { evaluatePolicy } from './evaluate-policy.ts'
import { isKnownAction } from './known-actions.ts'
import { isPublicPolicy, requirePolicy } from './policy-document.ts'
import { isLike } from './wildcards.ts'

const facts: RequestFacts = {
  sourceIp: '10.1.2.3',
  secure: false,
  userAgent: 'aws-cli/2',
  referer: null,
  at: '2026-05-01T00:00:00.000Z',
  keys: { 's3:prefix': 'home/ann/', 's3:x-amz-acl': 'private', 's3:RequestObjectTag/Team': 'a' },
}
const ann: Principal = {
  kind: 'api_key',
  id: '0199d0c0-0000-7000-8000-00000000000a',
  name: 'ann',
  ownName: 'ann',
  permissions: [],
  buckets: null,
  request: facts,
}

const base = {
  Effect: 'Allow',
  Principal: '*',
  Action: 's3:GetObject',
  Resource: 'arn:aws:s3:::b/*',
}

function policyOf(...statements: JsonObject[]): JsonObject {
  return { Version: '2012-10-17', Statement: statements }
}

function ask(statement: JsonObject, more: object = {}) {
  const question = { principal: ann, action: 's3:GetObject', bucket: 'b', key: 'home/x', ...more }
  return evaluatePolicy(policyOf({ ...base, ...statement }), question)
}

describe('a bucket policy', () => {
  it('matches principals, actions and resources', () => {
    assert.equal(ask({}), 'allow')
    assert.equal(ask({}, { principal: anonymous }), 'allow')
    assert.equal(ask({ Principal: { AWS: 'arn:aws:iam::123456789012:user/ann' } }), 'allow')
    assert.equal(ask({ Principal: { AWS: ann.id } }), 'allow')
    assert.equal(ask({ Principal: { AWS: 'bob' } }), undefined)
    const called = { ...anonymous, name: 'bob', id: 'bob' }
    assert.equal(ask({ Principal: { AWS: 'bob' } }, { principal: called }), undefined)
    assert.equal(ask({ Action: ['s3:Get*'] }), 'allow')
    assert.equal(ask({ Action: 's3:Put*' }), undefined)
    assert.equal(ask({ Action: 'S3:GETOBJECT' }), 'allow')
    assert.equal(ask({ Resource: 'arn:aws:s3:::b/home/?' }), 'allow')
    assert.equal(ask({ Resource: 'arn:aws:s3:::b/HOME/*' }), undefined)
    assert.equal(ask({ Resource: 'arn:aws:s3:::b' }), undefined)
    assert.equal(ask({ Resource: 'arn:aws:s3:::b' }, { key: undefined }), 'allow')
  })

  it('denies above all, and with exceptions', () => {
    const question = { principal: ann, action: 's3:GetObject', bucket: 'b', key: 'k' }
    const deny = { ...base, Effect: 'Deny', Action: 's3:*' }
    assert.equal(evaluatePolicy(policyOf(base, deny), question), 'deny')
    const { Principal: _, Action: __, ...rest } = deny
    const others = { ...rest, NotPrincipal: { AWS: 'ann' }, Action: 's3:*' }
    assert.equal(evaluatePolicy(policyOf(base, others), question), 'allow')
    const writes = { ...rest, Principal: '*', NotAction: 's3:GetObject' }
    assert.equal(evaluatePolicy(policyOf(base, writes), question), 'allow')
    assert.equal(evaluatePolicy(policyOf(writes), { ...question, action: 's3:PutObject' }), 'deny')
  })

  it('asks conditions, and counts what it cannot judge against the caller', () => {
    const when = (Condition: JsonObject) => ask({ Condition })
    assert.equal(when({ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }), 'allow')
    assert.equal(when({ IpAddress: { 'aws:SourceIp': ['192.168.0.0/16', '::1'] } }), undefined)
    assert.equal(when({ NotIpAddress: { 'aws:SourceIp': '10.1.2.3' } }), undefined)
    assert.equal(when({ IpAddress: { 'aws:SourceIp': '::ffff:a00:0/104' } }), 'allow')
    assert.equal(when({ IpAddress: { 'aws:SourceIp': '::ffff:a01:203' } }), 'allow')
    assert.equal(when({ IpAddress: { 'aws:SourceIp': ['::/0', '::/32'] } }), undefined, 'IPv6')
    assert.equal(when({ Bool: { 'aws:SecureTransport': 'false' } }), 'allow')
    assert.equal(when({ Bool: { 'aws:SecureTransport': true } }), undefined)
    assert.equal(when({ StringLike: { 's3:prefix': 'home/*' } }), 'allow')
    assert.equal(when({ StringNotEquals: { 's3:x-amz-acl': ['private', 'x'] } }), undefined)
    assert.equal(when({ StringEquals: { 's3:RequestObjectTag/Team': 'a' } }), 'allow')
    assert.equal(when({ StringEquals: { 's3:RequestObjectTag/team': 'a' } }), undefined)
    assert.equal(when({ StringEquals: { 'aws:Referer': 'x' } }), undefined, 'absent')
    assert.equal(when({ StringNotLike: { 'aws:Referer': 'x' } }), 'allow', 'absent')
    assert.equal(when({ StringEqualsIfExists: { 'aws:Referer': 'x' } }), 'allow', 'absent')
    assert.equal(when({ Null: { 'aws:Referer': 'true' } }), 'allow')
    assert.equal(when({ NumericLessThan: { 's3:max-keys': '5' } }), undefined, 'absent')
    const asking = { ...ann, request: { ...facts, keys: { 's3:max-keys': '' } } }
    const few = { Condition: { NumericLessThan: { 's3:max-keys': '5' } } }
    assert.equal(ask(few, { principal: asking }), undefined, 'nothing is no number')
    const may = { DateLessThan: { 'aws:CurrentTime': '2026-06-01T00:00:00Z' } }
    assert.equal(when(may), 'allow')
    const both = { ...may, Bool: { 'aws:SecureTransport': 'true' } }
    assert.equal(when(both), undefined, 'all must hold')
    const { request: _, ...silent } = ann
    const network = { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }
    assert.equal(ask({ Condition: network }, { principal: silent }), undefined)
    assert.equal(ask({ Condition: network, Effect: 'Deny' }, { principal: silent }), 'deny')
    const tagged = { StringEquals: { 's3:ExistingObjectTag/state': 'open' } }
    assert.equal(ask({ Condition: tagged }, { objectTags: { state: 'open' } }), 'allow')
    assert.equal(ask({ Condition: tagged }, { objectTags: {} }), undefined)
  })

  it('takes an account for its user, and services for nobody', () => {
    const account = { AWS: `arn:aws:iam::${ann.id}:root` }
    assert.equal(ask({ Principal: account }), 'allow')
    assert.equal(ask({ Principal: { AWS: 'arn:aws:iam::other:root' } }), undefined)
    const service = { Service: 'logging.s3.amazonaws.com' }
    const source = { ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::*' } }
    assert.equal(ask({ Principal: service, Condition: source }), undefined)
    requirePolicy(policyOf({ ...base, Principal: service, Condition: source }), 'b')
    assert.equal(ask({ Principal: service, Effect: 'Deny' }), undefined)
    assert.equal(ask({ Principal: { ...service, AWS: '*' }, Condition: source }), undefined)
    const { Principal: _, ...rest } = base
    const about = { principal: ann, action: 's3:GetObject', bucket: 'b', key: 'x' }
    const others = policyOf({ ...rest, NotPrincipal: service, Effect: 'Deny' })
    assert.equal(evaluatePolicy(others, about), 'deny')
  })

  it('is refused when it says what is not understood', () => {
    const wrong: [JsonObject, RegExp][] = [
      [{ Effect: 'Maybe' }, /Effect/],
      [{ Action: 'ec2:Run' }, /ec2:Run/],
      [{ Action: 's3:GetObjct' }, /invalid action/],
      [{ Effect: 'Deny', Action: ['s3:GetObject', 's3:Abort?'] }, /invalid action: s3:abort\?/],
      [{ Action: 's3:ListBucket' }, /does not apply/],
      [{ Action: ['s3:GetObject', 's3:???BucketVersioning'] }, /does not apply/],
      [{ Resource: 'arn:aws:s3:::b' }, /does not apply/],
      [{ Resource: 'arn:aws:s3:::other/*' }, /another bucket/],
      [{ Resource: 'arn:aws:s3:::other*/*' }, /another bucket/],
      [{ Resource: 'b/*' }, /none of S3/],
      [{ Principal: { Federated: 'x' } }, /Federated/],
      [{ Principal: { AWS: 'arn:aws:iam::1:group/x' } }, /not a user/],
      [{ Principal: { Service: 'logging.example.org' } }, /the service/],
      [{ Condition: { Between: { 'aws:SourceIp': 'x' } } }, /operator Between/],
      [{ Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o' } } }, /PrincipalOrgID/],
      [{ Condition: { StringEquals: { 'aws:SourceAccount': '1' } } }, /SourceAccount of who/],
      [{ Condition: { constructor: { 'aws:SourceIp': 'x' } } }, /constructor/],
      [{ Condition: { DateLessThan: { 'aws:CurrentTime': '2026-13-01' } } }, /2026-13-01/],
      [{ Condition: { NumericLessThan: { 's3:max-keys': '' } } }, /NumericLessThan/],
      [{ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/' } } }, /10\.0\.0\.0/],
      [{ Condition: { NotIpAddress: { 'aws:SourceIp': ['::1', '10.0.0.0/33'] } } }, /33/],
      [{ Condition: { BoolIfExists: { 'aws:SecureTransport': 'no' } } }, /value no/],
      [{ Condition: { StringLike: { 's3:prefix': `home/$${'{aws:username}'}/*` } } }, /username/],
      [{ Resource: `arn:aws:s3:::b/home/$${'{aws:username}'}/*` }, /variable/],
      [{ Extra: 1 }, /Extra/],
      [{ Action: [] }, /Action/],
      [{ Principal: {} }, /Principal is empty/],
      [{ Principal: { AWS: [] } }, /Principal is empty/],
      [{ Principal: [] }, /Principal must be/],
      [{ Condition: { StringEquals: {} } }, /StringEquals is empty/],
      [{ Condition: { Bool: { 'aws:SecureTransport': 'true' }, StringLike: {} } }, /StringLike is/],
      [{ Condition: { StringEquals: { 's3:prefix': [] } } }, /s3:prefix is empty/],
      [{ Condition: { StringEquals: [] } }, /StringEquals must be/],
      [{ Condition: [] }, /Condition must be/],
      [{ NotAction: 's3:*' }, /exclude/],
    ]
    for (const [statement, reason] of wrong) {
      const document = policyOf({ ...base, ...statement })
      assert.throws(
        () => requirePolicy(document, 'b'),
        (error: unknown) => {
          assert.ok(refused('POLICY_UNSUPPORTED')(error))
          const { details } = error as { details: { reason: string } }
          assert.match(details.reason, reason)
          return true
        },
      )
    }
    const { Action: _, Resource: __, ...rest } = { ...base, Effect: 'Deny' }
    const misspelt = { ...rest, NotAction: 's3:GetObjct', Resource: base.Resource }
    assert.throws(() => requirePolicy(policyOf(misspelt), 'b'), refused('POLICY_UNSUPPORTED'))
    assert.throws(() => requirePolicy({ Statement: [] }, 'b'), refused('POLICY_UNSUPPORTED'))
    assert.throws(() => requirePolicy({}, 'b'), refused('POLICY_UNSUPPORTED'))
    const { Principal: ___, ...nobody } = { ...base, Effect: 'Deny' }
    const except = policyOf({ ...nobody, NotPrincipal: {} })
    assert.throws(() => requirePolicy(except, 'b'), refused('POLICY_UNSUPPORTED'))
    assert.equal(ask({ Effect: 'Deny', Principal: {} }), undefined)
    requirePolicy(policyOf({ ...base, Condition: {} }), 'b')
    const unasked = policyOf({ ...base, Condition: { StringEquals: {} } })
    for (const named of [{ ...policyOf(base), Id: 1 }, policyOf({ ...base, Sid: 1 }), unasked]) {
      assert.throws(() => requirePolicy(named, 'b'), refused('POLICY_UNSUPPORTED'))
      // What was set before they were looked at says what it said.
      const question = { principal: ann, action: 's3:GetObject', bucket: 'b', key: 'home/x' }
      assert.equal(evaluatePolicy(named, question), 'allow')
    }
  })

  it('names its bucket by a pattern as well, and says nothing of others', () => {
    const Resource = ['arn:aws:s3:::*', 'arn:aws:s3:::*/*']
    const any = { Action: ['s3:ListBucket', 's3:GetObject'], Resource }
    assert.equal(requirePolicy(policyOf({ ...base, ...any }), 'b').length, 1)
    assert.equal(ask(any), 'allow')
    assert.equal(ask(any, { action: 's3:ListBucket', key: undefined }), 'allow')
    assert.equal(ask({ ...any, Effect: 'Deny' }, { throughout: true }), 'deny')
  })

  it('names whatever AWS has, of what it is about', () => {
    const [bucket, objects] = ['arn:aws:s3:::b', 'arn:aws:s3:::b/*']
    const taken: [JsonObject['Action'], JsonObject['Resource']][] = [
      ['*', objects],
      ['s3:*', bucket],
      ['s3:RestoreObject', objects],
      ['s3:GETBUCKETCORS', bucket],
      [
        ['s3:ListBucket', 's3:GetObject'],
        [bucket, objects],
      ],
      ['s3:???Object', 'arn:aws:s3:::b/home/?'],
      ['s3:*Multipart*', bucket],
    ]
    for (const [Action = '', Resource = ''] of taken) {
      assert.equal(requirePolicy(policyOf({ ...base, Action, Resource }), 'b').length, 1)
    }
    for (const action of Object.keys(actionPermissions)) {
      assert.ok(isKnownAction(action.toLowerCase()), action)
    }
    const { Action: _, Resource: __, ...rest } = { ...base, Effect: 'Deny' }
    const excepted = [
      { ...rest, NotAction: 's3:ListBucket', Resource: objects },
      { ...rest, Action: 's3:ListBucket', NotResource: objects },
    ]
    assert.equal(requirePolicy(policyOf(...excepted), 'b').length, 2)
  })

  it('takes times as AWS documents them, and wherever the server stands', () => {
    const at = '2026-05-01T00:00:00.000Z'
    const is = (wanted: string | number) =>
      ask({ Condition: { DateEquals: { 'aws:CurrentTime': wanted } } }) === 'allow'
    const same = [at, '2026-05', '2026-05-01', '2026-05-01T00:00', '2026-05-01T00:00:00']
    for (const text of [...same, '2026-05-01T02:00:00+02:00', 1_777_593_600]) {
      assert.ok(is(text), String(text))
    }
    for (const text of ['12', '5/1/2026', 'May 2026', '2026-05-01T00:00:00 UTC', '2026-13']) {
      const Condition = { DateLessThan: { 'aws:CurrentTime': text } }
      const set = () => requirePolicy(policyOf({ ...base, Condition }), 'b')
      assert.throws(set, refused('POLICY_UNSUPPORTED'), text)
    }
  })

  it('is public when it opens something to everybody without bounds', () => {
    const isPublic = (statement: JsonObject) =>
      isPublicPolicy(requirePolicy(policyOf({ ...base, ...statement }), 'b'))
    assert.equal(isPublic({}), true)
    assert.equal(isPublic({ Principal: { AWS: 'ann' } }), false)
    assert.equal(isPublic({ Effect: 'Deny' }), false)
    assert.equal(isPublic({ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }), false)
    const from = (...ranges: string[]) =>
      isPublic({ Condition: { IpAddress: { 'aws:SourceIp': ranges } } })
    assert.deepEqual([from('0.0.0.0/0'), from('::/0'), from('2001:db8::/32')], [true, true, false])
    assert.equal(from('0.0.0.0/1', '128.0.0.0/1'), true, 'all of them, in two halves')
    const mapped = ['::ffff:0:0/96', '::ffff:0.0.0.0/103', '::FFFF:a00:0/104', '::ffff:10.1.2.3']
    assert.deepEqual(
      mapped.map(range => from(range)),
      [true, true, false, false],
      'as IPv4',
    )
    const named = (Condition: JsonObject) => isPublic({ Condition })
    const arn = 'arn:aws:iam:::user/'
    assert.equal(named({ ArnEquals: { 'aws:PrincipalArn': `${arn}ann` } }), false)
    assert.equal(named({ ArnEquals: { 'aws:PrincipalArn': `${arn}*` } }), true)
    assert.equal(named({ StringEquals: { 'aws:userid': 'anonymous' } }), true)
  })

  it('reads the ARN of a condition as that of a principal', () => {
    const when = (operator: string, value: string, more: JsonObject = {}) =>
      ask({ Condition: { [operator]: { 'aws:PrincipalArn': value } }, ...more })
    const forms = ['arn:aws:iam::123456789012:user/ann', 'arn:aws:iam::ann:root']
    const patterns = ['arn:aws:iam::123456789012:*', 'arn:aws:iam::????????????:user/a?n']
    for (const arn of [...forms, ...patterns, 'arn:aws:iam::*:user/ann', '*/ann']) {
      assert.equal(when('ArnLike', arn), 'allow', arn)
      assert.equal(when('StringLikeIfExists', arn, { Effect: 'Deny' }), 'deny', arn)
      assert.equal(when('ArnNotEquals', arn), undefined, arn)
      assert.equal(when('StringNotLike', arn, { Effect: 'Deny' }), undefined, arn)
    }
    for (const arn of forms) assert.equal(when('StringEquals', arn), 'allow', arn)
    assert.equal(when('ArnLike', 'arn:aws:iam::123456789012:user/bob'), undefined)
  })

  it('shuts out by the names of a condition whom it would by a principal', () => {
    const principal = { ...ann, name: 'Other' }
    const said = (Effect: string, operator: string, key: string, value: string) =>
      ask({ Effect, Condition: { [operator]: { [key]: value } } }, { principal })
    const arn = 'arn:aws:iam::123456789012:user/'
    for (const [key, value] of [
      ...[ann.id.toUpperCase(), 'ANN', 'other'].map(one => ['aws:username', one] as const),
      ...[ann.id, 'ANN', 'other'].map(one => ['aws:PrincipalArn', `${arn}${one}`] as const),
      ['aws:userid', ann.id.toUpperCase()] as const,
    ]) {
      assert.equal(said('Deny', 'StringEquals', key, value), 'deny', value)
      assert.equal(said('Allow', 'StringNotEquals', key, value), undefined, value)
      assert.equal(said('Deny', 'StringNotEquals', key, value), 'deny', value)
      assert.equal(said('Allow', 'StringEquals', key, value), undefined, value)
    }
    assert.equal(said('Deny', 'StringLike', 'aws:username', '0*'), undefined, 'ids are random')
    assert.equal(said('Deny', 'StringLike', 'aws:username', 'OTH*'), 'deny')
  })

  it('refuses a value that nothing can ever be', () => {
    const taken = (operator: string, key: string, value: string) => () =>
      requirePolicy(policyOf({ ...base, Condition: { [operator]: { [key]: value } } }), 'b')
    const arns = ['iam::1:role/a', 'sts::1:assumed-role/a/b', 's3:::b', 'iam::1:user/', 'iam:::u']
    for (const [operator, key, value] of [
      ...arns.map(arn => ['ArnLike', 'aws:PrincipalArn', `arn:aws:${arn}`] as const),
      ['ArnNotEquals', 'aws:PrincipalArn', 'arn:aws-cn:iam::1:user/ann'],
      ['StringEquals', 'aws:PrincipalArn', 'ann'],
      ['StringEquals', 'aws:PrincipalArn', 'arn:aws:iam::1:user/*'],
      ['Bool', 'aws:PrincipalArn', 'true'],
      ['StringEquals', 'aws:SourceIp', '10.0.0.0/8'],
      ['StringEquals', 'aws:SourceIp', '::ffff:10.0.0.1'],
      ['NumericLessThan', 'aws:CurrentTime', '1800000000'],
      ['StringEquals', 'aws:CurrentTime', '2026-05-01T00:00:00Z'],
      ['StringEquals', 'aws:SecureTransport', 'True'],
      ['StringEquals', 's3:x-amz-acl', 'public-reed'],
      ['StringNotLike', 's3:x-amz-acl', 'open*'],
      ['StringEquals', 's3:object-lock-mode', 'governance'],
      ['StringEquals', 's3:x-amz-storage-class', 'GLACIR'],
      ['StringNotEquals', 's3:x-amz-server-side-encryption', 'AES-256'],
      ['StringLike', 's3:x-amz-server-side-encryption', 'kms*'],
    ] as const) {
      assert.throws(taken(operator, key, value), refused('POLICY_UNSUPPORTED'), `${key} ${value}`)
    }
    for (const [operator, key, value] of [
      ['ArnLike', 'aws:PrincipalArn', 'arn:aws:iam::123456789012:user/a*'],
      ['ArnLike', 'aws:PrincipalArn', 'arn:aws:*::123456789012:*'],
      ['StringLike', 'aws:PrincipalArn', '*'],
      ['StringLike', 'aws:PrincipalArn', '*bob'],
      ['StringEqualsIgnoreCase', 'aws:PrincipalArn', 'arn:aws:iam::1:USER/Ann'],
      ['ArnEquals', 'aws:PrincipalArn', 'arn:aws:iam::ann:root'],
      ['Null', 'aws:PrincipalArn', 'true'],
      ['StringEqualsIgnoreCase', 'aws:SecureTransport', 'True'],
      ['Bool', 'aws:SecureTransport', 'True'],
      ['StringLike', 's3:x-amz-acl', 'public*'],
      ['StringLike', 'aws:SourceIp', '10.*'],
      ['StringEquals', 'aws:SourceIp', '10.0.0.1'],
    ] as const) {
      assert.doesNotThrow(taken(operator, key, value), `${key} ${value}`)
    }
  })

  it('does not take who shows no credential for a user with a name', () => {
    const who = (operator: string, key: string, value: string) =>
      ask({ Condition: { [operator]: { [key]: value } } }, { principal: nobody })
    const nobody = { ...anonymous, request: facts }
    assert.equal(who('ArnLike', 'aws:PrincipalArn', 'arn:aws:iam:::user/*'), undefined)
    assert.equal(who('StringLike', 'aws:username', '*'), undefined)
    assert.equal(who('StringEquals', 'aws:userid', 'anonymous'), 'allow')
    const deny = { Effect: 'Deny', Principal: '*' }
    const Condition = { StringNotLike: { 'aws:PrincipalArn': 'arn:aws:iam:::user/*' } }
    assert.equal(ask({ ...deny, Condition }, { principal: nobody }), 'deny')
  })

  it('does not look through what is long, which counts against the caller', () => {
    const said = (userAgent: string, Effect: string) => {
      const principal = { ...ann, request: { ...facts, userAgent } }
      const Condition = { StringLike: { 'aws:UserAgent': '*x*' } }
      return ask({ Effect, Condition }, { principal })
    }
    assert.equal(said('x'.repeat(2048), 'Allow'), 'allow')
    assert.equal(said('x'.repeat(2049), 'Allow'), undefined)
    assert.equal(said('-'.repeat(2048), 'Deny'), undefined)
    assert.equal(said('-'.repeat(2049), 'Deny'), 'deny')
  })

  it('looks for its values once, however many keys a request is about', () => {
    let times = 0
    const condition = {
      ...{ operator: 'StringLike', key: 'aws:UserAgent' },
      get values() {
        times += 1
        return ['aws-*']
      },
    }
    const from = (userAgent: string) =>
      holds(condition, { principal: { ...ann, request: { ...facts, userAgent } } }, 'Allow')
    assert.deepEqual([from('aws-cli'), from('aws-cli'), from('aws-cli')], [true, true, true])
    assert.equal(times, 1)
    assert.deepEqual([from('curl'), from('aws-cli')], [false, true])
  })

  it('matches wildcards without getting lost', () => {
    assert.ok(isLike('a/b/c', 'a/*'))
    assert.ok(isLike('', '*'))
    assert.ok(isLike('abc', '**c'))
    assert.ok(!isLike('abc', 'a?'))
    assert.ok(!isLike('a'.repeat(5000), `${'*a'.repeat(50)}*b`))
    const cases = ['a', 'aa', 'ab', 'aba', 'abab', 'b', 'ba', 'bb', '', '\u{1f600}a', 'a\u{e9}ab']
    const patterns = [
      '',
      '*',
      '?',
      'a*',
      '*a',
      'a*a',
      '*a?*',
      '?*b',
      'a?b*',
      '*?a*b',
      '**a**',
      '*ab*ab',
      '*?\u{e9}*',
      '*\u{e9}?b*',
    ]
    for (const text of cases) {
      for (const pattern of patterns) {
        const source = pattern.replaceAll('*', '[^]*').replaceAll('?', '[^]')
        assert.equal(isLike(text, pattern), new RegExp(`^${source}$`).test(text), text + pattern)
      }
    }
  })

  it('takes a character beyond the first plane for one', () => {
    const like = ['?', '??😀', '*😀?', 'a?😀*', '?*', 'a*b?d*', '*a?d*']
    const texts = ['😀', 'a😁😀', '😁😀x', 'ab😀', '😁', 'axb😀d', 'xa😁dx']
    for (const [at, pattern] of like.entries()) assert.ok(isLike(texts[at] ?? '', pattern), pattern)
    for (const [text, pattern] of [
      ...(['??', '\ud83d?', '?\ude00', '?\ud800', '😁?', '?😁'] as const).map(
        pattern => ['😀', pattern] as const,
      ),
      ...[['😀😁', '?😀'] as const, ['a😀', '?😁'] as const, ['xa😁😁dx', '*a?d*'] as const],
    ]) {
      assert.ok(!isLike(text, pattern), `${text} ${pattern}`)
    }
  })

  it('is refused where looking for its wildcards would cost too much', () => {
    const wild = `*${'a?'.repeat(16)}*`
    const refusal = refused('POLICY_UNSUPPORTED')
    const set = (statement: JsonObject) => requirePolicy(policyOf({ ...base, ...statement }), 'b')
    assert.throws(() => set({ Resource: `arn:aws:s3:::b/${wild}` }), refusal)
    const Condition = { StringLike: { 'aws:UserAgent': wild } }
    assert.throws(() => set({ Condition }), refusal)
    assert.ok(set({ Resource: `arn:aws:s3:::b/${'a?'.repeat(40)}*${'a'.repeat(40)}*` }))
    assert.ok(!isLike('a'.repeat(90), wild.replace('a?', 'b?')))
    assert.ok(isLike('a'.repeat(90), wild))
  })
})
