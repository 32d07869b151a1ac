export interface Mail {
  /** One address, and nothing else: it becomes the only recipient. */
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/**
 * Hands mails to a server.
 *
 * 1. Resolves when the server has taken the mail, and not before.
 * 2. Whatever the fields hold, the mail goes to `to` alone and has the headers of the driver.
 * 3. Fails with `MailError` within half a minute, and at once when the signal is aborted.
 */
export interface Mailer {
  send(mail: Mail, call: { readonly signal: AbortSignal }): Promise<void>
}

/** Why a mail was not taken, without its text, its recipient and any credential. */
export class MailError extends Error {
  override readonly name = 'MailError'
  /** The server will not take it later either. */
  readonly permanent: boolean

  constructor(message: string, permanent: boolean) {
    super(message)
    this.permanent = permanent
  }
}
