import Type from 'typebox'
import { bucketName, nullable, time, uuid } from './fields.ts'

/** What API keys and keys of S3 have in common, in requests and in answers. */

export const keyName = Type.String({ minLength: 1, maxLength: 255 })

export const givenKeyLimits = {
  buckets: Type.Optional(nullable(Type.Array(bucketName, { minItems: 1, maxItems: 1000 }))),
  expires_at: Type.Optional(nullable(time('Default: never.'))),
}

export const keyFields = {
  permissions: Type.Array(Type.String()),
  buckets: nullable(
    Type.Array(bucketName, {
      description: 'Confined to these; null: all. A bucket that is removed goes out of the list.',
    }),
  ),
  maker_id: nullable(
    uuid('User or service account that made it: it stops while that one may not act.'),
  ),
  created_at: time('When it was issued.'),
  created_by: Type.String({
    description: 'Who made it: a user, an account, or a key, whose end does not end this one.',
  }),
  expires_at: nullable(time('From then on it is refused.')),
  revoked_at: nullable(time('When it was revoked.')),
  last_used_at: nullable(time('Of the last request since the server started.')),
}
