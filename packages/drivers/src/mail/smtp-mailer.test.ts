import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Mail, MailError } from '@holdfast/core/ports/mailer.ts'
import { openSmtpSink } from '@holdfast/testkit/smtp-sink.ts'
import { SmtpMailer, type SmtpOptions } from './smtp-mailer.ts'

const { signal } = new AbortController()
const mail: Mail = { to: 'ann@example.org', subject: 'Hello', text: 'plain', html: '<p>rich</p>' }

const login = { user: 'holdfast', pass: 'Mail-Secret-1' }

function opensslMissing(): string | false {
  return spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed'
}

/** For 127.0.0.1 alone, with an authority of its own. */
function makeCertificate(): { readonly key: string; readonly cert: string; readonly ca: string } {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-smtp-'))
  try {
    const run = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
    const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const ca = ['-subj', '/CN=Test CA', '-keyout', 'ca.key', '-out', 'ca.crt']
    run('req', '-x509', ...fresh, '-days', '3650', ...ca)
    run('req', ...fresh, '-subj', '/CN=smtp', '-keyout', 'smtp.key', '-out', 'smtp.csr')
    writeFileSync(join(dir, 'names'), 'subjectAltName=IP:127.0.0.1')
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names']
    run('x509', '-req', '-in', 'smtp.csr', ...by, '-days', '3650', '-out', 'smtp.crt')
    const read = (name: string) => readFileSync(join(dir, name), 'utf8')
    return { key: read('smtp.key'), cert: read('smtp.crt'), ca: read('ca.crt') }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function mailer(port: number, options: Partial<SmtpOptions> = {}) {
  const from = 'holdfast@example.org'
  return new SmtpMailer({ host: '127.0.0.1', port, tls: 'none', from, ...options })
}

function fails(reason: RegExp, permanent: boolean) {
  return (error: unknown) => {
    assert.ok(error instanceof MailError, String(error))
    assert.match(error.message, reason)
    assert.equal(error.permanent, permanent)
    return true
  }
}

test('a mail arrives with both bodies and says that a program wrote it', async () => {
  await using sink = await openSmtpSink()
  await mailer(sink.port).send(mail, { signal })
  const { from, to, raw } = await sink.mail(1)
  assert.deepEqual([from, to], ['holdfast@example.org', ['ann@example.org']])
  assert.match(raw, /^From: Holdfast <holdfast@example.org>\r$/m)
  assert.match(raw, /^To: ann@example.org\r$/m)
  assert.match(raw, /^Auto-Submitted: auto-generated\r$/m)
  assert.match(raw, /text\/plain[\s\S]+plain[\s\S]+text\/html[\s\S]+<p>rich<\/p>/)
})

test('no field makes a header, a recipient or a command of its own', async () => {
  await using sink = await openSmtpSink()
  for (const to of [
    'ann@example.org\r\nBcc: eve@example.org',
    'ann@example.org>\r\nRCPT TO:<eve@example.org',
    'ann@example.org, eve@example.org',
    'eve@example.org:ann@example.org;',
    'Ann <eve@example.org>',
    'ann(eve)@example.org',
    'ann@example.org\n',
    'ann',
    '',
  ]) {
    const sending = mailer(sink.port).send({ ...mail, to }, { signal })
    await assert.rejects(sending, fails(/no address/, true), to)
  }
  const subject = 'Hi\r\nBcc: eve@example.org\r\n\r\nbody'
  const text = '\r\n.\r\nMAIL FROM:<eve@example.org>\r\nRCPT TO:<eve@example.org>\r\n'
  await mailer(sink.port).send({ ...mail, subject, text }, { signal })
  const { to, raw } = await sink.mail(1)
  assert.equal(sink.mails.length, 1)
  assert.deepEqual(to, ['ann@example.org'])
  assert.doesNotMatch(raw.split('\r\n\r\n')[0] ?? '', /^(bcc|cc):/im)
  assert.match(raw, /RCPT TO:<eve@example.org>/)
})

test('what the server answers decides whether another try makes sense', async () => {
  for (const [reply, permanent] of [
    [451, false],
    [550, true],
    [521, true],
  ] as const) {
    await using sink = await openSmtpSink({ refuse: () => reply })
    const sending = mailer(sink.port).send(mail, { signal })
    await assert.rejects(sending, fails(RegExp(String(reply)), permanent))
  }
})

test('a login is made where one is set; a wrong one sends nothing and names nothing', async () => {
  await using sink = await openSmtpSink({ login })
  const { user: username, pass: password } = login
  await mailer(sink.port, { username, password }).send(mail, { signal })
  assert.equal((await sink.mail(1)).user, 'holdfast')
  const wrong = mailer(sink.port, { username, password: 'Wrong-Secret-2' }).send(mail, { signal })
  await assert.rejects(wrong, (error: Error) => {
    assert.doesNotMatch(`${error.stack} ${error.message}`, /Secret|ann@/)
    return fails(/EAUTH/, false)(error)
  })
  // A server that offers no login gets no mail either.
  await using open = await openSmtpSink()
  const unasked = mailer(open.port, { username, password }).send(mail, { signal })
  await assert.rejects(unasked, fails(/./, false))
  assert.equal(sink.mails.length + open.mails.length, 1)
})

test('starttls refuses a server without it; certificates are checked', async () => {
  await using plain = await openSmtpSink()
  const clear = mailer(plain.port, { tls: 'starttls' }).send(mail, { signal })
  await assert.rejects(clear, fails(/TLS/, false))
  assert.equal(plain.mails.length, 0)
  // The sink has a certificate of its own that nobody signed.
  await using sealed = await openSmtpSink({ disabledCommands: ['AUTH'] })
  const unknown = mailer(sealed.port, { tls: 'starttls' }).send(mail, { signal })
  await assert.rejects(unknown, fails(/TLS|SOCKET/, false))
  assert.equal(sealed.mails.length, 0)
})

test('mails go over STARTTLS and TLS to a certificate that is trusted, and to no other', {
  skip: opensslMissing(),
}, async () => {
  const { key, cert, ca } = makeCertificate()
  const other = makeCertificate()
  for (const [tls, secure] of [
    ['starttls', false],
    ['tls', true],
  ] as const) {
    await using sink = await openSmtpSink({ key, cert, secure, login })
    const to = (options: Partial<SmtpOptions>) => {
      return mailer(sink.port, { tls, ca, username: login.user, password: login.pass, ...options })
    }
    await to({}).send(mail, { signal })
    const { secure: wasSecure, user } = await sink.mail(1)
    assert.deepEqual([wasSecure, user], [true, login.user], tls)
    // Signed by nobody who is trusted, and good for another name than the one that was asked.
    const strangers = [{ ca: other.ca }, { ca: undefined }, { host: 'localhost' }]
    for (const options of strangers) {
      await assert.rejects(to(options).send(mail, { signal }), fails(/TLS|SOCKET|CONN/, false), tls)
    }
    assert.equal(sink.mails.length, 1)
  }
})

test('a server that is not there or says nothing is given up, at once when asked', async () => {
  await using sink = await openSmtpSink()
  const { port } = sink
  await sink[Symbol.asyncDispose]()
  await assert.rejects(mailer(port).send(mail, { signal }), fails(/ECONN|ESOCKET/, false))
  const sockets = new Set<{ destroy(): void }>()
  const mute = createServer(socket => sockets.add(socket))
  await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
  const address = mute.address()
  assert.ok(address !== null && typeof address === 'object')
  const stopping = new AbortController()
  const sending = mailer(address.port).send(mail, { signal: stopping.signal })
  mute.once('connection', () => stopping.abort())
  await assert.rejects(sending, fails(/./, false))
  for (const socket of sockets) socket.destroy()
  mute.close()
})
