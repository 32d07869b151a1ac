import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenIdAttempt } from '@holdfast/core/ports/openid.ts'
import { openTestStore, refused } from '../../../test-store.test.ts'
import { beginOpenId, finishOpenId } from './openid-login.ts'

const returnTo = 'https://files.example.org/console/'

const nobody = 'nobody comes back here'
const openId = {
  provider: {
    place: 'https://idp.example.org',
    addressFor: async ({ state }: OpenIdAttempt) => await Promise.resolve(state),
    finish: () => Promise.reject(new Error(nobody)),
  },
  claims: { name: ['name'], email: ['email'] },
  ...{ maps: [], always: { roles: [], permissions: [], groups: [] } },
  ...{ returnUrls: [returnTo], sessionSeconds: 60, keySeconds: 60 },
}

test('one address cannot begin so many logins that those of others are forgotten', async () => {
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

test('a login under way is there after many networks have begun as many as they may', async () => {
  await using opened = await openTestStore({ outside: { openId } })
  const { engine } = opened
  const begin = (ip: string) => beginOpenId(engine, { returnTo, challenge: 'x'.repeat(43), ip })
  const ours = [await begin('192.0.2.1'), await begin('2001:db8:1::1')]
  for (let net = 0; net < 60; net += 1) {
    const address = (n: number) => (net % 2 === 0 ? `10.0.${net}.${n}` : `2001:db9:${net}:${n}::`)
    // Each of its addresses begins no more than one alone may.
    for (let n = 0; n < 200; n += 1) await begin(address(n))
  }
  for (const { address: state, binding } of ours) {
    const back = finishOpenId(engine, { query: `state=${state}`, binding })
    await assert.rejects(back, { message: nobody })
  }
})
