import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Directory, DirectoryEntry, Recalled } from '@holdfast/core/ports/directory.ts'
import {
  AndFilter,
  type Entry,
  EqualityFilter,
  type Filter,
  FilterParser,
  OrFilter,
  ResultCodeError,
} from 'ldapts'
import { LdapConnection, Unanswered, unavailable } from './connection.ts'
import {
  attributesOf,
  entryOf,
  idValue,
  primaryGidOf,
  primarySidOf,
  SID,
  subjectOf,
} from './entries.ts'
import { groupsOf } from './groups.ts'
import { inParts, type PartAnswer } from './in-parts.ts'
import type { LdapOptions } from './ldap-options.ts'
import { Slots } from './slots.ts'

const RUNNING_MAX = 8
const WAITING_MAX = 64
/** Nothing has that name (RFC 4511 §4.1.9). */
const NO_SUCH_OBJECT = 32

/**
 * What a directory answers to a bind of somebody whom it does not let in (RFC 4511 §4.1.9):
 * constraintViolation, noSuchObject, invalidDNSyntax, inappropriateAuthentication,
 * invalidCredentials, insufficientAccessRights, unwillingToPerform.
 */
const REFUSED: ReadonlySet<number> = new Set([19, 32, 34, 48, 49, 50, 53])

interface How {
  readonly slots: Slots
  readonly people: number
  readonly signal?: AbortSignal | undefined
}

/**
 * People in LDAP or Active Directory. Values reach filters as values, never as text of a filter, so
 * there is nothing to escape and nothing to inject. Referrals are not followed.
 */
export class LdapDirectory implements Directory {
  readonly place: string
  readonly #options: LdapOptions
  readonly #clock: Clock
  readonly #active: Filter | undefined
  readonly #slots = new Slots(RUNNING_MAX, WAITING_MAX)
  /** Apart: whoever tries names must not keep those in who were shut out. */
  readonly #recalls = new Slots(RUNNING_MAX, WAITING_MAX)

  /** Throws for an active filter that is none. */
  constructor(options: LdapOptions, clock: Clock) {
    this.place = options.url
    this.#options = options
    this.#clock = clock
    const { activeFilter } = options
    this.#active = activeFilter === undefined ? undefined : FilterParser.parseString(activeFilter)
  }

  /**
   * By user name, and by address only where nobody has that name: people choose their addresses,
   * and what they keep in their entries, and must not keep others out with either. No limit is
   * asked for: where the directory has one, the first of two would look like the only one.
   */
  async find(name: string): Promise<DirectoryEntry | undefined> {
    const { usernameAttribute, emailAttribute } = this.#options
    const attributes = new Set([usernameAttribute, emailAttribute])
    return await this.#asService(async connection => {
      let found: Entry[] = []
      for (const attribute of attributes) {
        found = await this.#search(connection, new EqualityFilter({ attribute, value: name }))
        if (found.length > 0) break
      }
      const [entry] = found
      if (entry === undefined || found.length > 1) return undefined
      const whole = await this.#whole(connection, entry)
      const { idAttribute } = this.#options
      if (whole === undefined) throw new Error(`an entry without ${idAttribute} or a user name`)
      return whole
    })
  }

  async verify(entry: DirectoryEntry, password: string): Promise<boolean> {
    return (await this.#lets(entry, password)) && (await this.#isStill(entry))
  }

  async #lets({ dn }: DirectoryEntry, password: string): Promise<boolean> {
    // Either would be a bind as nobody, which succeeds (RFC 4513 §5.1.1, §5.1.2).
    if (dn === '' || password === '') return false
    return await this.#within(async signal => {
      await using connection = await LdapConnection.open(this.#options, signal)
      try {
        await connection.bind(dn, password)
        return true
      } catch (error) {
        if (error instanceof ResultCodeError && REFUSED.has(error.code)) return false
        throw error
      }
    })
  }

  /** Names of entries come free: by now another person's password may be good for this one. */
  async #isStill({ dn, subject }: DirectoryEntry): Promise<boolean> {
    const { idAttribute: attribute } = this.#options
    const filter = new EqualityFilter({ attribute, value: idValue(subject, attribute) })
    return await this.#asService(async connection => {
      try {
        const found = await connection.search(dn, { scope: 'base', filter, attributes: ['1.1'] })
        return found.length === 1
      } catch (error) {
        if (codeOf(error) === NO_SUCH_OBJECT) return false
        throw error
      }
    })
  }

  recall(subjects: readonly string[], signal?: AbortSignal): AsyncIterable<Recalled> {
    return inParts(subjects, async part => await this.#recallTogether(part, signal))
  }

  async #recallTogether(
    subjects: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<PartAnswer> {
    const { idAttribute } = this.#options
    const filters = subjects.map(subject => {
      return new EqualityFilter({ attribute: idAttribute, value: idValue(subject, idAttribute) })
    })
    const how = { slots: this.#recalls, people: filters.length, signal }
    return await this.#asService(async connection => {
      const found = await this.#search(connection, new OrFilter({ filters })).catch(heard)
      const entries: DirectoryEntry[] = []
      for (const [at, entry] of found.entries()) {
        try {
          const one = await this.#whole(connection, entry)
          if (one !== undefined) entries.push(one)
        } catch (thrown) {
          const error = unavailable(thrown)
          const left = found.slice(at).map(one => subjectOf(one, idAttribute) ?? '')
          // Of somebody else: nothing can be said of those who were asked about.
          if (!left.every(one => subjects.includes(one))) throw error
          return { entries, fault: { error, left } }
        }
      }
      return { entries }
    }, how)
  }

  /** Without a limit of its own: a shortened answer must be an error, not people missing. */
  async #search(connection: LdapConnection, wanted: Filter): Promise<Entry[]> {
    const { userBase, userObjectClass, idAttribute } = this.#options
    const isPerson = new EqualityFilter({ attribute: 'objectClass', value: userObjectClass })
    const filters = [isPerson, wanted, ...(this.#active === undefined ? [] : [this.#active])]
    const attributes = attributesOf(this.#options)
    const filter = new AndFilter({ filters })
    const explicitBufferAttributes = [idAttribute, SID]
    return await connection.search(userBase, {
      ...{ filter, attributes, explicitBufferAttributes },
    })
  }

  async #whole(connection: LdapConnection, entry: Entry): Promise<DirectoryEntry | undefined> {
    const read = entryOf(entry, this.#options, this.#clock.now())
    if (read === undefined) return undefined
    // Out, whatever groups it is in, and however many.
    if (!read.isActive) return { ...read, groups: [] }
    const member = { ...read, gid: primaryGidOf(entry), sid: primarySidOf(entry) }
    return { ...read, groups: await groupsOf(connection, this.#options, member) }
  }

  async #asService<T>(work: (connection: LdapConnection) => Promise<T>, how?: How): Promise<T> {
    return await this.#within(async signal => {
      await using connection = await LdapConnection.open(this.#options, signal)
      await connection.bindService()
      return await work(connection)
    }, how)
  }

  /**
   * Every single answer has its time, and all together have twice that, for each person asked. At
   * its end, and at the signal, the connection is broken: work that went on would take a place that
   * others have by now.
   */
  async #within<T>(
    work: (signal: AbortSignal) => Promise<T>,
    { slots, people, signal }: How = { slots: this.#slots, people: 1 },
  ): Promise<T> {
    const done = new AbortController()
    const over = signal === undefined ? done.signal : AbortSignal.any([done.signal, signal])
    const limitMs = 2 * this.#options.timeoutMs * people
    const late = async () => {
      await this.#clock.sleep(limitMs, over)
      const reason = 'the directory takes too long'
      const cause = new Unanswered(undefined, { isSilence: false })
      throw new HoldfastError('IDENTITY_UNAVAILABLE', { reason }, { cause })
    }
    return await slots.run(async () => {
      signal?.throwIfAborted()
      try {
        return await Promise.race([work(over), late()])
      } catch (error) {
        signal?.throwIfAborted()
        throw unavailable(error)
      } finally {
        done.abort()
      }
    })
  }
}

function codeOf(error: unknown): number | undefined {
  const cause = error instanceof Unanswered ? error.cause : undefined
  return cause instanceof ResultCodeError ? cause.code : undefined
}

/** To the first question no answer at all: that is no matter of whom it asks about. */
function heard(error: unknown): never {
  throw error instanceof Unanswered && error.isSilence ? unavailable(error.cause) : error
}
