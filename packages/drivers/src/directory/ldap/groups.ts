import { AndFilter, EqualityFilter, type Filter, OrFilter } from 'ldapts'
import type { LdapConnection } from './connection.ts'
import { SID, textOf } from './entries.ts'
import type { LdapOptions } from './ldap-options.ts'
import { AnswerTooLong } from './messages.ts'

const GROUPS_MAX = 1000
const AT_ONCE = 50

/**
 * Distinguished names and common names of the groups that name the user, and of the groups that
 * these are in, in lower case. `member` and `uniqueMember` hold distinguished names (RFC 4519),
 * `memberUid` user names, and the number of a user is that of a `posixGroup` (RFC 2307 §2.2).
 * `sid` is the identifier of the primary group of Active Directory. More than are read are an
 * error: among those left out could be one that takes a right away.
 */
export async function groupsOf(
  connection: LdapConnection,
  options: LdapOptions,
  user: Pick<Members, 'gid' | 'sid'> & { readonly dn: string; readonly username: string },
): Promise<string[]> {
  const found = new Map<string, string>()
  let members = [user.dn]
  for (let level = 0; level < options.groupDepth && members.length > 0; level += 1) {
    const { gid, sid } = user
    const own = level === 0 ? { names: [user.username], gid, sid } : { names: [] }
    const fresh: string[] = []
    for (let at = 0; at < members.length; at += AT_ONCE) {
      const part = members.slice(at, at + AT_ONCE)
      for (const { dn, name } of await groupsWith(connection, options, { dns: part, ...own })) {
        if (found.has(dn)) continue
        if (found.size >= GROUPS_MAX) throw new AnswerTooLong(`more than ${GROUPS_MAX} groups`)
        found.set(dn, name)
        fresh.push(dn)
      }
    }
    members = fresh
  }
  // A common name with `=` could be the distinguished name of another group, which the map trusts.
  const all = [...found]
    .flatMap(([dn, name]) => (name.includes('=') ? [dn] : [dn, name]))
    .map(name => name.toLowerCase())
  return [...new Set(all)].sort()
}

interface Members {
  readonly dns: readonly string[]
  readonly names: readonly string[]
  /** Number of a primary group. */
  readonly gid?: string | undefined
  /** Identifier of a primary group. */
  readonly sid?: Buffer | undefined
}

async function groupsWith(
  connection: LdapConnection,
  { groupBase, groupObjectClasses, memberAttributes }: LdapOptions,
  members: Members,
): Promise<{ readonly dn: string; readonly name: string }[]> {
  const named: Filter[] = memberAttributes.flatMap(attribute => {
    const values = attribute.toLowerCase() === 'memberuid' ? members.names : members.dns
    return values.map(value => new EqualityFilter({ attribute, value }))
  })
  if (members.gid !== undefined) named.push(primaryGroup(members.gid))
  if (members.sid !== undefined) {
    named.push(new EqualityFilter({ attribute: SID, value: members.sid }))
  }
  if (named.length === 0) return []
  const kinds = groupObjectClasses.map(value => {
    return new EqualityFilter({ attribute: 'objectClass', value })
  })
  const filters = [new OrFilter({ filters: kinds }), new OrFilter({ filters: named })]
  const filter = new AndFilter({ filters })
  const entries = await connection.search(groupBase, { filter, attributes: ['cn'], paged: true })
  return entries.map(entry => ({ dn: entry.dn, name: textOf(entry, 'cn') ?? entry.dn }))
}

/** Other classes may use the number for something else. */
function primaryGroup(gid: string): Filter {
  return new AndFilter({
    filters: [
      new EqualityFilter({ attribute: 'objectClass', value: 'posixGroup' }),
      new EqualityFilter({ attribute: 'gidNumber', value: gid }),
    ],
  })
}
