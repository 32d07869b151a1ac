import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface SunkMail {
  readonly from: string
  /** Recipients of the envelope. */
  readonly to: readonly string[]
  readonly user: string | undefined
  readonly secure: boolean
  /** The message as it came, headers and all. */
  readonly raw: string
  /** Its plain text, decoded. */
  readonly text: string
}

export interface SmtpSink extends AsyncDisposable {
  readonly port: number
  readonly mails: readonly SunkMail[]
  /** Waits for the n-th mail, counted from 1. */
  mail(n: number): Promise<SunkMail>
}

export interface SinkOptions extends SMTPServerOptions {
  /** Reply to the n-th mail; undefined takes it. */
  readonly refuse?: (n: number) => number | undefined
  /** The only login; without one, none is asked for. */
  readonly login?: { readonly user: string; readonly pass: string }
}

const WAIT_MS = 20_000

/** A real SMTP server on a free port, whose mails go no further. */
export async function openSmtpSink(options: SinkOptions = {}): Promise<SmtpSink> {
  const mails: SunkMail[] = []
  const waiting = new Set<() => void>()
  const { refuse, login, ...given } = options
  let seen = 0
  const server = new SMTPServer({
    disabledCommands: [
      ...(given.key === undefined ? ['STARTTLS'] : []),
      ...(login ? [] : ['AUTH']),
    ],
    ...given,
    authOptional: login === undefined,
    onAuth: ({ username, password }, _, done) => {
      if (username === login?.user && password === login?.pass) done(null, { user: username })
      else done(new Error('wrong login'))
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        seen += 1
        const reply = refuse?.(seen)
        if (reply !== undefined) {
          return done(Object.assign(new Error('refused'), { responseCode: reply }))
        }
        const { mailFrom, rcptTo } = session.envelope
        const raw = Buffer.concat(chunks).toString()
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          user: session.user === undefined ? undefined : String(session.user),
          secure: session.secure,
          raw,
          text: plainText(raw),
        })
        done()
        for (const wake of waiting) wake()
      })
    },
  })
  server.on('error', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = server.server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    mails,
    mail: async n => await nthMail(mails, waiting, n),
    [Symbol.asyncDispose]: async () => await new Promise(resolve => server.close(() => resolve())),
  }
}

async function nthMail(mails: readonly SunkMail[], waiting: Set<() => void>, n: number) {
  return await new Promise<SunkMail>((resolve, reject) => {
    const timer = setTimeout(() => {
      waiting.delete(look)
      reject(new Error(`mail ${n} did not come`))
    }, WAIT_MS)
    const look = () => {
      const mail = mails[n - 1]
      if (mail === undefined) return
      clearTimeout(timer)
      waiting.delete(look)
      resolve(mail)
    }
    waiting.add(look)
    look()
  })
}

/** The first part of a multipart message, quoted-printable undone (RFC 2045 §6.7). */
function plainText(raw: string): string {
  const start = raw.indexOf('text/plain')
  const body = raw.indexOf('\r\n\r\n', start) + 4
  const end = raw.indexOf('\r\n--', body)
  const text = raw.slice(body, end < 0 ? undefined : end)
  const isQuoted = /quoted-printable/i.test(raw.slice(start, body))
  if (!isQuoted) return text
  return text
    .replaceAll('=\r\n', '')
    .replaceAll(/=([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
