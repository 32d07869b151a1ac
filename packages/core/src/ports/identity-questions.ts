import type { AuditLink, AuditRow, Identity, IdentityKind } from '../identities.ts'
import type { AccessKey } from '../objects.ts'
import type { Awaitable } from './awaitable.ts'

export interface AccessKeyQuestions {
  byId(id: string): Awaitable<AccessKey | undefined>
  list(): Awaitable<AccessKey[]>
  /** Those that act as that principal, in order of id. */
  byPrincipal(principalId: string): Awaitable<AccessKey[]>
}

export interface IdentityQuestions {
  byId<Kind extends IdentityKind>(kind: Kind, id: string): Awaitable<IdentityOf<Kind> | undefined>
  byName<Kind extends IdentityKind>(
    kind: Kind,
    name: string,
  ): Awaitable<IdentityOf<Kind> | undefined>
  /** In order of id, after the given one. */
  list<Kind extends IdentityKind>(query: IdentityQuery<Kind>): Awaitable<IdentityOf<Kind>[]>
  count(kind: IdentityKind): Awaitable<number>
}

export type IdentityOf<Kind extends IdentityKind> = Extract<Identity, { readonly kind: Kind }>

export interface IdentityQuery<Kind extends IdentityKind> {
  readonly kind: Kind
  readonly belongsTo?: string
  readonly after?: string
  readonly limit: number
}

export interface AuditFilter {
  readonly actor?: string
  readonly action?: string
  readonly outcome?: string
  readonly severity?: string
  readonly actorType?: string
  readonly sessionId?: string
  readonly ip?: string
  readonly from?: string
  readonly until?: string
  /** Sequences: rows behind the one, and before the other, neither of which is meant. */
  readonly above?: number
  readonly below?: number
}

/** A row of the audit log as it lies in the catalog, whatever somebody made of it. */
export interface FiledAudit {
  /** The number under which it lies. */
  readonly place: number
  /** Undefined where it cannot be read. */
  readonly row: AuditRow | undefined
  /** Whether it is found by what it says itself. */
  readonly isFiledRight: boolean
}

/** Pages of large rows end early, behind a mebibyte or so: only an empty one tells of the end. */
export interface AuditQuestions {
  /** Where the log ends, by the number under which its last row lies, whatever that says. */
  end(): Awaitable<AuditLink>
  /** Ascending, after the given sequence: for verification and export. */
  after(seq: number, limit: number, filter?: AuditFilter): Awaitable<AuditRow[]>
  /** Ascending, from the first that lies there or after the place: for verification. */
  filed(after: number | undefined, limit: number): Awaitable<FiledAudit[]>
  /** Newest first, before the given sequence. */
  before(seq: number, limit: number, filter?: AuditFilter): Awaitable<AuditRow[]>
  count(filter?: AuditFilter): Awaitable<number>
}
