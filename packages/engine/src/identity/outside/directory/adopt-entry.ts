import type { User } from '@holdfast/core/identities.ts'
import type { DirectoryEntry } from '@holdfast/core/ports/directory.ts'
import { commit } from '../../../commit.ts'
import { type Engine, systemCall } from '../../../engine.ts'
import { type AdoptArgs, isSaid } from '../adopt-transaction.ts'
import { type Standing, standingFor } from '../mapping.ts'
import { fitEmail, fitName, fitUsername } from '../profile.ts'
import { subjectId } from '../subject-id.ts'
import { tellRights } from '../tell-rights.ts'
import { claimsOf } from './entry-claims.ts'
import { groupNameOf } from './group-name.ts'
import type { OutsideDirectory } from './outside-directory.ts'

const ISSUER = 'ldap'

/** The id of the user that an entry of the directory is here. */
export function entryId({ subject }: Pick<DirectoryEntry, 'subject'>): string {
  return subjectId(ISSUER, subject)
}

/** Records the user as the directory has it now, if that is not known yet. */
export async function adoptEntry(
  engine: Engine,
  outside: OutsideDirectory,
  entry: DirectoryEntry,
): Promise<User> {
  const args = adoptionOf(outside, entry)
  const { identities } = engine.catalog.view
  const known = await identities.byId('user', args.id)
  if (known !== undefined && (await isSaid(identities, known, args))) return known
  const user = await commit(engine, systemCall('directory'), { name: 'users.adopt', args })
  tellRights(engine, known, user)
  return user
}

/** Whether the user is recorded as the entry has it. */
export async function isAdopted(
  { catalog }: Engine,
  outside: OutsideDirectory,
  { entry, user }: { readonly entry: DirectoryEntry; readonly user: User },
): Promise<boolean> {
  return await isSaid(catalog.view.identities, user, adoptionOf(outside, entry))
}

function adoptionOf(outside: OutsideDirectory, entry: DirectoryEntry): AdoptArgs {
  const { roles, permissions, groups } = standingOfEntry(outside, entry)
  const claims = claimsOf(entry)
  const { subject } = entry
  const { maps } = outside
  const username = fitUsername(entry.username)
  const email = fitEmail(entry.email ?? undefined)
  const names = [username, email].filter(name => name !== null).map(name => name.toLowerCase())
  return {
    id: entryId(entry),
    source: 'ldap',
    outside: { issuer: ISSUER, subject, permissions, groups, claims, maps },
    ...{ username, email, roles, buckets: null },
    firstName: fitName(entry.firstName, ''),
    lastName: fitName(entry.lastName, ''),
    names: [...new Set(names)],
  }
}

/** Who is in no group of the map has what the settings give to those. */
function standingOfEntry({ mapping, unmapped }: OutsideDirectory, entry: DirectoryEntry): Standing {
  const groups = entry.groups.map(groupNameOf)
  const isMapped = groups.some(group => mapping.has(group))
  return isMapped ? standingFor(mapping, groups) : unmapped
}
