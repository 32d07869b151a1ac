import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestStore, refused } from '../../../test-store.test.ts'
import { beginOpenId } from './openid-login.ts'

const returnTo = 'https://files.example.org/console/'

test('one address cannot begin so many logins that those of others are forgotten', async () => {
  const openId = {
    provider: {
      place: 'https://idp.example.org',
      addressFor: async () => await Promise.resolve('https://idp.example.org/auth'),
      finish: () => Promise.reject(new Error('nobody comes back here')),
    },
    claims: { name: ['name'], email: ['email'] },
    ...{ maps: [], always: { roles: [], permissions: [], groups: [] } },
    ...{ returnUrls: [returnTo], sessionSeconds: 60, keySeconds: 60 },
  }
  await using opened = await openTestStore({ outside: { openId } })
  const { engine, clock } = opened
  const begin = async (ip: string) => {
    return await beginOpenId(engine, { returnTo, challenge: 'x'.repeat(43), ip })
  }
  for (let n = 0; n < 200; n += 1) await begin(`2001:db8::${n}`)
  const retry = refused('TOO_MANY_REQUESTS', { retry_after: 600 })
  // The next address of the same /64, which is one caller.
  await assert.rejects(begin('2001:db8::ffff'), retry)
  await begin('192.0.2.1')
  await clock.advance(600_000)
  await begin('2001:db8::ffff')
})
