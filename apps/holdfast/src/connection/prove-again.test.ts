import assert from 'node:assert/strict'
import test from 'node:test'
import { openClient } from '@holdfast/client'
import { proveAgain } from './prove-again.ts'

test('who has no password here is asked for none, and told to log in at the provider', async () => {
  const fetch = async () => Response.json({ confirms_with: 'provider' })
  const client = openClient({ url: 'http://127.0.0.1:1', key: 'x', fetch })
  let isAsked = false
  const confirm = async () => {
    isAsked = true
  }
  await assert.rejects(proveAgain(client, confirm), /log in again at your provider/)
  assert.equal(isAsked, false)
})
