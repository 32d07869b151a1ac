import type { Lab } from '../open-lab.ts'
import { password } from '../people.ts'
import type { Pair } from '../s3/sign.ts'

/** Somebody who writes and reads, with the rights as they were given. */
export interface Person {
  readonly name: string
  readonly id: string
  /** At the door of REST; absent for who has an S3 key alone. */
  readonly headers?: Readonly<Record<string, string>>
  /** At the door of S3; null for who shows no credential there. */
  readonly pair?: Pair | null
  /** For everything, and for what is their own. */
  readonly permissions: readonly string[]
  readonly own: readonly string[]
  /** Whether they may make and rule buckets. */
  readonly ownsBuckets: boolean
  readonly groups: readonly string[]
  /** The credential gives no more than these. */
  readonly within?: readonly string[]
}

/** Whom policies, grants and lists may name. */
export interface Persons {
  readonly all: readonly Person[]
  readonly groupId: string
}

const ofOwn = ['assets', 'versions', 'metadata'].flatMap(thing => [
  `${thing}:read`,
  `${thing}:write`,
])

export async function introducePersons(lab: Lab): Promise<Persons> {
  const user = async (name: string, roles: readonly string[]) => {
    const username = `wr-${name}`
    const input = { username, password, roles, buckets: null, must_change_password: false }
    const { id } = await lab.must('POST', '/api/v2/users', input)
    const tokens = await lab.must('POST', '/api/v2/auth/login', { username, password })
    const pair: Pair = await lab.must('POST', '/api/v2/s3/keys', { name: 'wr', user_id: id })
    const isUser = roles.includes('USER')
    const rights = { permissions: [], own: isUser ? ofOwn : [], ownsBuckets: isUser, groups: [] }
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    return { name, id: String(id), headers, pair, ...rights }
  }
  const owner = await user('owner', ['USER'])
  const guest = await user('guest', ['USER'])
  const nobody = await user('nobody', [])
  const members = [owner.id, guest.id]
  const { id: groupId } = await lab.must('POST', '/api/v2/groups', { name: 'wr-group', members })
  const groups = [String(groupId)]
  const within = ['assets:write', 'metadata:write']
  const narrowed = { name: 'wr', user_id: owner.id, permissions: within }
  const pair: Pair = await lab.must('POST', '/api/v2/s3/keys', narrowed)
  const { headers: _, ...asOwner } = owner
  const narrow: Person = { ...asOwner, name: 'narrow', groups, pair, within }
  const keys = [
    await restKey(lab, 'writer', ['assets:write']),
    await s3KeyOf(lab, 'pruner', ['versions:write']),
    await s3KeyOf(lab, 'putter', ['assets:write']),
  ]
  const none = { permissions: [], own: [], ownsBuckets: false, groups: [] }
  const anonymous = { name: 'anonymous', id: 'anonymous', headers: {}, pair: null, ...none }
  const all = [{ ...owner, groups }, { ...guest, groups }, nobody, narrow, ...keys, anonymous]
  return { all, groupId: String(groupId) }
}

async function restKey(lab: Lab, name: string, permissions: readonly string[]): Promise<Person> {
  const made = await lab.must('POST', '/api/v2/keys', { name: `wr-${name}`, permissions })
  const headers = { 'x-api-key': String(made.key) }
  return { name, id: made.id, headers, permissions, own: [], ownsBuckets: false, groups: [] }
}

async function s3KeyOf(lab: Lab, name: string, permissions: readonly string[]): Promise<Person> {
  const input = { name: `wr-${name}`, user_id: null, permissions }
  const pair = await lab.must('POST', '/api/v2/s3/keys', input)
  const id = String(pair.principal_id)
  return { name, id, pair, permissions, own: [], ownsBuckets: false, groups: [] }
}
