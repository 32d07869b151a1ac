import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { isInterrupted } from './interrupt.ts'
import { readPassword } from './read-password.ts'

test('the question comes when typing is hidden, and a signal ends the wait', async t => {
  const events: string[] = []
  const terminal = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => events.push(isRaw ? 'hidden' : 'shown'),
  })
  const own = Object.getOwnPropertyDescriptor(process, 'stdin')
  assert.ok(own !== undefined)
  Object.defineProperty(process, 'stdin', { ...own, get: () => terminal })
  t.after(() => Object.defineProperty(process, 'stdin', own))
  t.mock.method(process.stderr, 'write', (text: string) => events.push(text.trim()) > 0)
  const asked = readPassword('NO_SUCH_VARIABLE', 'password:')
  terminal.write('Birne-Strauch-44?q\r')
  assert.equal(await asked, 'Birne-Strauch-44?q')
  assert.deepEqual(events, ['hidden', 'holdfast: password:', 'shown'])
  const again = readPassword('NO_SUCH_VARIABLE', 'password:')
  process.emit('SIGTERM')
  await assert.rejects(again)
  assert.ok(isInterrupted())
  assert.equal(events.at(-1), 'shown')
})
