import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { type DueMail, type MailNews, MailQueue } from './mail-queue.ts'

const due: DueMail = {
  ...{ about: 'password reset', userId: 'u' },
  mail: { to: 'ann@example.org', subject: '', text: '', html: '' },
}

/** A queue whose mail server takes each mail and never answers. */
function openSilent() {
  const clock = new FakeClock()
  const news: MailNews[] = []
  const send = async (_: unknown, { signal }: { readonly signal: AbortSignal }) => {
    if (!signal.aborted) await once(signal, 'abort')
    throw new Error('closing')
  }
  const queue = new MailQueue({ mailer: { send }, clock, tell: one => news.push(one) })
  /** How many of so many were taken. */
  const askFor = (times: number, found: DueMail | undefined) =>
    Array.from({ length: times }, () => queue.add(async () => found)).filter(Boolean).length
  return { clock, news, queue, askFor }
}

test('what may be asked for does not tell whether there was anything to send before', async () => {
  const { clock, queue, askFor } = openSilent()
  for (const found of [undefined, due]) {
    assert.equal(askFor(600, found), 600)
    await clock.advance(1000)
  }
  // As many as at the start, though six hundred mails wait for their server.
  assert.equal(askFor(1100, undefined), 1000)
  await queue.close()
})

test('of the mails that wait for their server, what is too much is given up and told', async () => {
  const { clock, news, queue, askFor } = openSilent()
  askFor(1000, due)
  await clock.advance(1000)
  askFor(10, due)
  await clock.advance(1000)
  const reason = 'too many wait'
  assert.deepEqual(
    news,
    Array(10).fill({ ...{ about: due.about, userId: 'u' }, outcome: 'given up', reason }),
  )
  await queue.close()
})
