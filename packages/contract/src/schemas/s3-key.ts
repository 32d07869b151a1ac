import Type, { type Static } from 'typebox'
import { closed, nullable, total, uuid } from './fields.ts'
import { givenKeyLimits, keyFields, keyName } from './key-fields.ts'

const permissions = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
  minItems: 1,
  maxItems: 64,
  description: '`resource:action`, with wildcards. Default for a user: all that the user may.',
})

export const s3KeyParams = Type.Object({
  id: Type.String({ pattern: '^[A-Za-z0-9._-]{3,128}$', description: 'Id of the access key.' }),
})

export const s3KeyListQuery = Type.Object(
  { user_id: Type.Optional(uuid('Only keys that act as this user.')) },
  closed,
)

export const s3KeyCreate = Type.Object(
  {
    name: keyName,
    user_id: Type.Optional(
      nullable(
        uuid(
          'Whom it acts as. Default: the caller, where that is a user. Null: a principal of its ' +
            'own, as API keys are.',
        ),
      ),
    ),
    permissions: Type.Optional(permissions),
    ...givenKeyLimits,
  },
  { ...closed, title: 'S3KeyCreate' },
)

export const s3KeyResponse = Type.Object(
  {
    id: Type.String({ description: 'Access key id.', examples: ['HFK2Q7WZ4C5D6E7F2G3H'] }),
    name: Type.String(),
    principal_id: uuid('Who acts with it: what access lists and history name.'),
    user_id: nullable(uuid('The user it acts as, within what the user may; null: itself.')),
    ...keyFields,
  },
  { title: 'S3KeyResponse' },
)
export type S3KeyResponse = Static<typeof s3KeyResponse>

export const s3KeyCreated = Type.Object(
  {
    ...s3KeyResponse.properties,
    secret: Type.String({ description: 'The secret access key. Shown this once, kept sealed.' }),
  },
  { title: 'S3KeyCreated' },
)
export type S3KeyCreated = Static<typeof s3KeyCreated>

export const s3KeyList = Type.Object(
  { items: Type.Array(s3KeyResponse), total },
  { title: 'S3KeyList' },
)
export type S3KeyList = Static<typeof s3KeyList>
