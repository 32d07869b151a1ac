import type { HoldfastError } from '../errors.ts'

/**
 * A directory of people that is kept elsewhere (LDAP, RFC 4511).
 *
 * D1. A name is data: whatever it holds, it finds those whose name it is, and nobody else.
 * D2. `verify` is true only if the directory itself accepted that password for that entry. An
 *     empty one is never sent: a directory takes it for no password (RFC 4513 §5.1.2).
 * D3. What cannot be answered in time throws IDENTITY_UNAVAILABLE and says nothing about anybody.
 * D4. A `subject` names one person for good: it survives a new name, and no one else gets it.
 */
export interface Directory {
  /** Without credentials, for logs. */
  readonly place: string
  /** Who has that user name or e-mail address; undefined for nobody, and for more than one. */
  find(name: string): Promise<DirectoryEntry | undefined>
  verify(entry: DirectoryEntry, password: string): Promise<boolean>
  /**
   * What it has of them, in parts as they are told: each subject is in one. At most 100 at once.
   * Throws where it cannot be asked about anybody, and at the signal.
   */
  recall(subjects: readonly string[], signal?: AbortSignal): AsyncIterable<Recalled>
}

/** Which of those subjects is in none of the lists is gone. */
export interface Recalled {
  readonly subjects: readonly string[]
  /** Those who are there, in any order. */
  readonly entries: readonly DirectoryEntry[]
  /** Subjects of whom more is told than fits: what rights they have nobody can say. */
  readonly overfull: readonly string[]
  /** Of whom it could not be told: nothing follows from that. */
  readonly unjudged: readonly { readonly subject: string; readonly error: HoldfastError }[]
}

export interface DirectoryEntry {
  readonly subject: string
  readonly dn: string
  readonly username: string
  readonly email: string | null
  readonly firstName: string
  readonly lastName: string
  /**
   * Distinguished names and common names of its groups and of the groups they are in. All of them,
   * or an error; not asked for where it is not let in.
   */
  readonly groups: readonly string[]
  /** Texts that the settings ask for, by the name that they give them. */
  readonly attributes: Readonly<Record<string, string>>
  /** The directory lets it in. */
  readonly isActive: boolean
}

/** All parts as one. */
export async function together(parts: AsyncIterable<Recalled>): Promise<Recalled> {
  const all = await Array.fromAsync(parts)
  return {
    subjects: all.flatMap(({ subjects }) => subjects),
    entries: all.flatMap(({ entries }) => entries),
    overfull: all.flatMap(({ overfull }) => overfull),
    unjudged: all.flatMap(({ unjudged }) => unjudged),
  }
}
