import type { Clock } from '@holdfast/core/ports/clock.ts'
import { type Mail, MailError, type Mailer } from '@holdfast/core/ports/mailer.ts'

export interface MailParts {
  readonly mailer: Mailer
  readonly clock: Clock
  /** Told of every mail that was sent, tried or given up: facts for the log, no text of it. */
  readonly tell: (news: MailNews) => void
}

export interface MailNews {
  /** Which mail, such as `password reset`. */
  readonly about: string
  /** Whom it is for. */
  readonly userId: string
  readonly outcome: 'sent' | 'failed' | 'given up'
  readonly reason?: string
}

export interface DueMail {
  readonly about: string
  readonly userId: string
  readonly mail: Mail
}

/** Of each kind, so that what strangers ask for keeps back nothing that owners must hear. */
const PENDING_MAX = 1000
const SENDING_MAX = 4
/** Work begins when the answer of the request that caused it is long gone. */
const DELAY_MS = 500
const RETRY_MS = [10_000, 60_000, 300_000] as const

/**
 * Mails of the background: nobody waits for them. They are kept in memory only, as what they say is
 * good for minutes; whoever gets none asks again.
 */
export class MailQueue {
  readonly #parts: MailParts
  readonly #closing = new AbortController()
  readonly #asked = new Set<Promise<void>>()
  /** Of those that were asked for. Apart, or a full line of the others would tell who is known. */
  readonly #found = new Set<Promise<void>>()
  readonly #notices = new Set<Promise<void>>()
  #sending = 0
  #waiting: (() => void)[] = []

  constructor(parts: MailParts) {
    this.#parts = parts
  }

  /**
   * A mail that somebody asked for; false where too many wait already. `prepare` may find that
   * there is nothing to send.
   */
  add(prepare: () => Promise<DueMail | undefined>): boolean {
    return this.#addTo(this.#asked, async () => {
      await this.#delay()
      const due = await prepare()
      if (due !== undefined) this.#addMail(this.#found, due, async () => await this.#deliver(due))
    })
  }

  /** Of a change that was made: what is too much is told, as any mail that is not sent. */
  addNotice(due: DueMail): void {
    this.#addMail(this.#notices, due, async () => {
      await this.#delay()
      await this.#deliver(due)
    })
  }

  #addMail(
    running: Set<Promise<void>>,
    { about, userId }: DueMail,
    work: () => Promise<void>,
  ): void {
    if (this.#addTo(running, work)) return
    this.#parts.tell({ about, userId, outcome: 'given up', reason: 'too many wait' })
  }

  #addTo(running: Set<Promise<void>>, work: () => Promise<void>): boolean {
    if (running.size >= PENDING_MAX || this.#closing.signal.aborted) return false
    const run = this.#run(work).finally(() => running.delete(run))
    running.add(run)
    return true
  }

  /** What waits is given up, what is on its way is cut. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('closing'))
    for (const wake of this.#waiting.splice(0)) wake()
    await Promise.all([...this.#asked, ...this.#found, ...this.#notices])
  }

  async #delay(): Promise<void> {
    await this.#parts.clock.sleep(DELAY_MS, this.#closing.signal)
  }

  async #run(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.#closing.signal.aborted) return
      const reason = error instanceof Error ? error.message : String(error)
      this.#parts.tell({ about: 'mail', userId: '', outcome: 'given up', reason })
    }
  }

  async #deliver({ mail, about, userId }: DueMail): Promise<void> {
    const { clock, tell } = this.#parts
    const { signal } = this.#closing
    for (const waitMs of [...RETRY_MS, undefined]) {
      const failure = await this.#attempt(mail)
      if (failure === undefined) return tell({ about, userId, outcome: 'sent' })
      const reason = failure.message
      if (failure.permanent || waitMs === undefined || signal.aborted) {
        return tell({ about, userId, outcome: 'given up', reason })
      }
      tell({ about, userId, outcome: 'failed', reason })
      await clock.sleep(waitMs, signal)
    }
  }

  async #attempt(mail: Mail): Promise<MailError | undefined> {
    while (this.#sending >= SENDING_MAX) {
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    this.#sending += 1
    try {
      await this.#parts.mailer.send(mail, { signal: this.#closing.signal })
      return undefined
    } catch (error) {
      return error instanceof MailError ? error : new MailError('not sent', true)
    } finally {
      this.#sending -= 1
      this.#waiting.shift()?.()
    }
  }
}
