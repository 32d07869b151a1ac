import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { anonymous, type Principal } from '@holdfast/core/principal.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { refused } from '../../test-store.test.ts'
import { evaluatePolicy } from './evaluate-policy.ts'
import { requirePolicy } from './policy-document.ts'
import { readUserArn } from './user-arn.ts'

const base = { Effect: 'Deny', Principal: '*', Action: 's3:GetObject' }

function about(patterns: readonly string[], more: JsonObject = {}): JsonObject {
  const Resource = patterns.map(pattern => `arn:aws:s3:::b/${pattern}`)
  return { Version: '2012-10-17', Statement: [{ ...base, Resource, ...more }] }
}

function ask(policy: JsonObject, key: string, principal: Principal = anonymous) {
  return evaluatePolicy(policy, { principal, action: 's3:GetObject', bucket: 'b', key })
}

describe('what a bucket policy costs', () => {
  it('is bounded by what stands between two stars in all', () => {
    const many = (count: number, pattern: string) => Array.from({ length: count }, () => pattern)
    const names = (count: number, pattern: string) => ({
      Condition: { StringLike: { 's3:prefix': many(count, pattern) } },
    })
    for (const taken of [
      about(many(256, '*ab*')),
      about(many(128, '*a?*b**')),
      about(many(500, 'a?b*')),
      about(many(228, '*a*'), names(28, 'x*?*')),
      about(many(256, '*a*'), { Condition: { StringEquals: { 's3:prefix': ['*a*'] } } }),
    ]) {
      assert.doesNotThrow(() => requirePolicy(taken, 'b'))
    }
    for (const costly of [
      about(many(257, '*ab*')),
      about(many(129, '*a?*b**')),
      about([`*${'?*'.repeat(9000)}y*`]),
      about(many(228, '*a*'), names(29, 'x*?*')),
    ]) {
      assert.throws(() => requirePolicy(costly, 'b'), refused('POLICY_UNSUPPORTED'))
    }
  })

  it('does not grow with what was stored before that', () => {
    const wild = about([`*${'?*'.repeat(9000)}y*`, `${'a?*'.repeat(300)}y`])
    assert.equal(ask(wild, `${'ab'.repeat(300)}y`), 'deny')
    assert.equal(ask(wild, `${'?'.repeat(9000)}y`), 'deny')
    // Minutes, where each question makes masks of thousands of parts anew.
    for (let at = 0; at < 5000; at += 1) {
      assert.equal(ask(wild, `${'x'.repeat(900)}${at}`), undefined)
    }
  })

  it('is none for conditions that are never met: they are refused', () => {
    const when = (operator: string, key: string, value: string) => () =>
      requirePolicy(about(['*'], { Condition: { [operator]: { [key]: value } } }), 'b')
    for (const [operator, key, value] of [
      ['DateGreaterThan', 's3:signatureAge', '2026-05-01T00:00:00Z'],
      ['NotIpAddress', 'aws:username', '10.0.0.0/8'],
      ['ArnLike', 'aws:userid', 'arn:aws:iam::1:user/ann'],
    ] as const) {
      assert.throws(when(operator, key, value), refused('POLICY_UNSUPPORTED'), key)
    }
    assert.doesNotThrow(when('NumericGreaterThan', 's3:signatureAge', '600000'))
    assert.doesNotThrow(when('StringLike', 'aws:userid', '0199*'))
    assert.doesNotThrow(when('Null', 'aws:username', 'true'))
  })

  it('follows the length of an ARN', () => {
    const account = '1?'.repeat(9000)
    // Minutes, where each of its digits is held for the last one.
    for (let at = 0; at < 300; at += 1) {
      assert.equal(readUserArn(`arn:aws:iam::${account}`), `arn:aws:iam::${account}`)
    }
    assert.equal(readUserArn(`arn:aws:iam::*${account}:user/a`), 'arn:aws:iam:::user/a')
    assert.equal(readUserArn('arn:aws:iam::**:user/a'), 'arn:aws:iam::**:user/a')
  })

  it('does not grow with what the request tells, for each condition', () => {
    let times = 0
    const told: Record<string, string> = { 's3:prefix': 'a', 's3:RequestObjectTag/Team': 'x' }
    const keys = new Proxy(told, {
      ownKeys: of => {
        times += 1
        return Reflect.ownKeys(of)
      },
    })
    const facts = { sourceIp: null, secure: true, userAgent: null, referer: null, at: '', keys }
    const asked = Array.from({ length: 300 }, (_, at) => [`s3:RequestObjectTag/t${at}`, 'x'])
    const StringEqualsIfExists = { ...Object.fromEntries(asked), 'S3:requestobjecttag/Team': 'x' }
    const policy = about(['*'], { Condition: { StringEqualsIfExists } })
    const said = (more: Record<string, string>) => {
      const request = { ...facts, keys: { ...told, ...more } }
      return ask(policy, 'k', { ...anonymous, request })
    }
    assert.equal(ask(policy, 'k', { ...anonymous, request: facts }), 'deny')
    assert.equal(times, 1)
    assert.equal(said({ 's3:RequestObjectTag/t299': 'y' }), undefined)
    assert.equal(said({ 's3:RequestObjectTag/T299': 'y' }), 'deny', 'tags keep their case')
    assert.equal(said({ 's3:RequestObjectTag/Team': 'y' }), undefined)
  })
})
