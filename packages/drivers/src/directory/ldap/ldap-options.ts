/** Who searches a directory. */
export interface ServiceAccount {
  readonly dn: string
  /** As it was read last. */
  readonly password: string
  /** Reads it again; unset where it cannot change. */
  readonly renew?: (() => void) | undefined
}

/** Where an LDAP directory is, and how its entries read. */
export interface LdapOptions {
  /** `ldaps://host:port` or `ldap://host:port`. */
  readonly url: string
  /** TLS on an `ldap` connection before anything else is sent (RFC 4513 §3). */
  readonly startTls: boolean
  /** PEM of the authorities that may have signed its certificate; undefined = those of Node. */
  readonly ca: string | undefined
  /** Who searches; undefined = anybody. */
  readonly service: ServiceAccount | undefined
  readonly userBase: string
  readonly userObjectClass: string
  readonly usernameAttribute: string
  readonly emailAttribute: string
  readonly firstNameAttribute: string
  readonly lastNameAttribute: string
  /** Further attributes to read, with the name that each gets. */
  readonly attributeMap: Readonly<Record<string, string>>
  /** Names an entry for good: `entryUUID`, or `objectGUID` of Active Directory. */
  readonly idAttribute: string
  /** A filter that entries must match to be let in (RFC 4515). */
  readonly activeFilter: string | undefined
  readonly groupBase: string
  readonly groupObjectClasses: readonly string[]
  /** `memberUid` holds user names, all others distinguished names. */
  readonly memberAttributes: readonly string[]
  /** Levels of groups in groups: 1 = only those that name the user. */
  readonly groupDepth: number
  readonly timeoutMs: number
}
