import { connect, type Socket } from 'node:net'
import { type Mail, MailError, type Mailer } from '@holdfast/core/ports/mailer.ts'

export interface SmtpOptions {
  readonly host: string
  readonly port: number
  /** `starttls` refuses a server without it; `tls` speaks it from the first byte; `none` never. */
  readonly tls: 'starttls' | 'tls' | 'none'
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Address of the sender. */
  readonly from: string
  /** Certificates to trust instead of those of Node, PEM. */
  readonly ca?: string | undefined
}

const SEND_MS = 30_000
const WAIT_MS = 10_000
/** Nothing that a header or a command could be read from, whatever the callers checked. */
const ONE_ADDRESS = /^[^\s\p{C}"<>()[\],;:\\@]{1,64}@[A-Za-z0-9.-]{1,253}$/u

/** One connection for each mail (RFC 5321), so that none is left open between them. */
export class SmtpMailer implements Mailer {
  readonly #options: SmtpOptions

  constructor(options: SmtpOptions) {
    this.#options = options
  }

  async send(mail: Mail, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (!ONE_ADDRESS.test(mail.to)) throw new MailError('the recipient is no address', true)
    const { createTransport } = await import('nodemailer')
    const { host, port, from } = this.#options
    let socket: Socket | undefined
    const over = AbortSignal.any([signal, AbortSignal.timeout(SEND_MS)])
    const abort = () => socket?.destroy(new Error('given up'))
    const transport = createTransport({
      ...this.#transport(),
      // The socket is ours, so that whoever gives up need not wait for time-outs.
      getSocket: (_, done) => {
        socket = connect({ host, port })
        socket.once('error', done)
        socket.once('connect', () => {
          socket?.off('error', done)
          done(null, { connection: socket })
        })
        if (over.aborted) abort()
      },
    })
    over.addEventListener('abort', abort, { once: true })
    try {
      await transport.sendMail({
        envelope: { from, to: [mail.to] },
        from: { name: 'Holdfast', address: from },
        to: { name: '', address: mail.to },
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        // RFC 3834 §5: nobody's holiday notice should answer.
        headers: { 'Auto-Submitted': 'auto-generated' },
        xMailer: false,
        disableFileAccess: true,
        disableUrlAccess: true,
      })
    } catch (error) {
      throw translate(error)
    } finally {
      over.removeEventListener('abort', abort)
    }
  }

  #transport() {
    const { host, port, tls, username: user, password: pass, ca } = this.#options
    return {
      host,
      port,
      secure: tls === 'tls',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'none',
      // A server that offers no login must not get the mail without one.
      ...(user === undefined || pass === undefined
        ? {}
        : { auth: { user, pass }, forceAuth: true }),
      tls: {
        minVersion: 'TLSv1.2',
        servername: host,
        ...(ca === undefined ? {} : { ca }),
      } as const,
      connectionTimeout: WAIT_MS,
      greetingTimeout: WAIT_MS,
      socketTimeout: WAIT_MS,
    }
  }
}

/** Of these a server says for good that it does not want this mail (RFC 5321 §4.2.1). */
const FINAL_AT: ReadonlySet<unknown> = new Set(['MAIL FROM', 'RCPT TO', 'DATA'])

/** Codes only: answers of servers name the recipient, and some the credential. */
function translate(error: unknown): MailError {
  const known: Record<string, unknown> = error instanceof Error ? { ...error } : {}
  const { code, command, responseCode } = known
  const facts = [code, command, responseCode].filter(fact => fact !== undefined)
  const isFinal = FINAL_AT.has(command) && Number(responseCode) >= 500
  return new MailError(facts.length === 0 ? 'not sent' : facts.join(' '), isFinal)
}
