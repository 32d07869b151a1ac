import Type, { type Static } from 'typebox'

export const fieldProblem = Type.Object(
  {
    path: Type.String({ description: 'Where, such as `metadata.a[0]`.' }),
    problem: Type.String({ description: 'What is wrong, as a sentence part.' }),
  },
  { title: 'FieldProblem' },
)

/** The body of every refusal. */
export const problem = Type.Object(
  {
    message: Type.String({ description: 'A sentence for people; may change.' }),
    code: Type.String({
      description: 'For programs; never changes its meaning. See /api/v2/errors.',
    }),
    details: Type.Record(Type.String(), Type.Unknown(), {
      description: 'Facts that belong to the code, such as `errors`, `asset_id` or `limit`.',
    }),
    request_id: Type.String({ description: 'Names this request in the log.' }),
  },
  {
    title: 'Problem',
    examples: [
      {
        message: 'There is no such asset.',
        code: 'ASSET_NOT_FOUND',
        details: { asset_id: '0199a7e2-7a55-7c54-b6f4-0d5f7c1d1f3a' },
        request_id: '0199a7e2-8b11-7d02-9a55-3f6b8a2e4c10',
      },
    ],
  },
)
export type Problem = Static<typeof problem>

export const errorEntry = Type.Object(
  {
    code: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    kind: Type.String(),
    message: Type.String(),
    retry: Type.Enum(['never', 'now', 'later'], {
      description: 'Whether the same request may be repeated: not, at once, or after a wait.',
    }),
    hint: Type.String({ description: 'What an operator should look at.' }),
  },
  { title: 'ErrorEntry' },
)

export const errorList = Type.Object({ errors: Type.Array(errorEntry) }, { title: 'ErrorList' })
export type ErrorList = Static<typeof errorList>
