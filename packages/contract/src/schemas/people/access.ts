import { permissions } from '@holdfast/core/principal.ts'
import Type, { type Static } from 'typebox'
import { bucketName, closed, key, time, total, uuid } from '../fields.ts'

const members = Type.Array(uuid('User id.'), { maxItems: 1000 })
const groupName = Type.String({ minLength: 1, maxLength: 100 })
const description = Type.String({ maxLength: 1000 })

export const groupParams = Type.Object({ id: uuid('Group id.') })
export const groupCreate = Type.Object(
  { name: groupName, description: Type.Optional(description), members: Type.Optional(members) },
  { ...closed, title: 'GroupCreate' },
)
const changedMembers = { add_members: members, remove_members: members }
export const groupUpdate = Type.Partial(
  Type.Object({ name: groupName, description, members, ...changedMembers }),
  {
    ...closed,
    title: 'GroupUpdate',
    minProperties: 1,
    description:
      'What is absent stays; `members` replaces all of them. Then those of `add_members` come ' +
      'in, and those of `remove_members` go, whatever others changed meanwhile.',
  },
)
export const groupResponse = Type.Object(
  {
    id: uuid('Id of the group: access lists may name it.'),
    name: groupName,
    description,
    members,
    created_at: time('When it was made.'),
    created_by: Type.String(),
    updated_at: time('When it last changed.'),
  },
  { title: 'GroupResponse' },
)
export type GroupResponse = Static<typeof groupResponse>
export const groupList = Type.Object(
  { items: Type.Array(groupResponse), total },
  { title: 'GroupList' },
)
export type GroupList = Static<typeof groupList>

const prefix = Type.String({
  maxLength: 1024,
  description: 'Beginning of the keys it is for; empty for the whole bucket.',
})
const granted = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
  minItems: 1,
  maxItems: 16,
  description: '`assets`, `versions` or `metadata` with `read`, `write` or `*`.',
})

export const grantParams = Type.Object({ id: uuid('Grant id.') })
export const grantQuery = Type.Object(
  { principal_id: Type.Optional(uuid('Only those to this user or group.')) },
  closed,
)
export const grantCreate = Type.Object(
  {
    principal_id: uuid('A user or a group.'),
    bucket: bucketName,
    prefix: Type.Optional(prefix),
    permissions: granted,
  },
  { ...closed, title: 'GrantCreate' },
)
export const grantResponse = Type.Object(
  {
    id: uuid('Grant id.'),
    principal_id: Type.String(),
    bucket: bucketName,
    prefix,
    permissions: granted,
    created_at: time('When it was made.'),
    created_by: Type.String(),
  },
  { title: 'GrantResponse' },
)
export type GrantResponse = Static<typeof grantResponse>
export const grantList = Type.Object(
  { items: Type.Array(grantResponse), total },
  { title: 'GrantList' },
)
export type GrantList = Static<typeof grantList>

export const accessQuestion = Type.Object(
  {
    principal_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description:
          'A user, service account, API key, share link or `anonymous`; absent: the caller.',
      }),
    ),
    permission: Type.Enum([...permissions]),
    asset_id: Type.Optional(uuid('An asset.')),
    bucket: Type.Optional(bucketName),
    key: Type.Optional(key),
  },
  { ...closed, title: 'AccessQuestion' },
)
export const accessAnswer = Type.Object(
  {
    allowed: Type.Boolean(),
    reason: Type.String({ description: 'Which rule decided.' }),
    principal_id: Type.String(),
    principal_name: Type.String(),
    second_factor: Type.Boolean({ description: 'Whether its logins need a code as well.' }),
  },
  { title: 'AccessAnswer' },
)
export type AccessAnswer = Static<typeof accessAnswer>
