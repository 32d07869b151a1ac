import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { openSmtpSink } from '@holdfast/testkit/smtp-sink.ts'
import { run, scratch, startServer } from './running-program.test.ts'

test('a forgotten password is replaced with the code of a mail', async t => {
  const dir = scratch(t)
  const login = { user: 'holdfast', pass: 'Mail-Server-Secret-1' }
  await using sink = await openSmtpSink({ login })
  writeFileSync(join(dir, 'smtp-password'), `${login.pass}\n`)
  const server = await startServer(t, join(dir, 'data'), {
    env: {
      STORAGE_INITIAL_ADMIN_USERNAME: 'chief',
      STORAGE_INITIAL_ADMIN_PASSWORD: 'First-Password-1',
      STORAGE_INITIAL_ADMIN_EMAIL: 'chief@example.org',
      STORAGE_SMTP_HOST: '127.0.0.1',
      STORAGE_SMTP_PORT: String(sink.port),
      STORAGE_SMTP_TLS: 'none',
      STORAGE_SMTP_USERNAME: login.user,
      STORAGE_SMTP_PASSWORD_FILE: join(dir, 'smtp-password'),
      STORAGE_MAIL_FROM: 'holdfast@example.org',
    },
  })
  const asked = await server.holdfast('password', 'forgot', 'chief@example.org')
  assert.equal(asked.code, 0, asked.stderr)
  const token = /^[\w-]{43}$/m.exec((await sink.mail(1)).text)?.[0] ?? ''
  const chosen = 'Second-Password-2'
  const reset = await run(['password', 'reset'], {
    env: { HOLDFAST_URL: server.url },
    input: stdin => stdin.write(`${token}\n${chosen}\n`),
  })
  assert.equal(reset.code, 0, reset.stderr)
  const entered = await run(['login', 'chief'], {
    env: { HOLDFAST_URL: server.url, HOLDFAST_PASSWORD: chosen },
  })
  assert.equal(entered.code, 0, entered.stderr)
})
