import Type, { type Static } from 'typebox'
import { assetResponse } from './asset.ts'
import { closed, uuid } from './fields.ts'
import { problem } from './problem.ts'

export const partProblem = Type.Object(
  {
    message: problem.properties.message,
    code: problem.properties.code,
    details: problem.properties.details,
  },
  { title: 'PartProblem', description: 'Why one part of a batch was refused.' },
)

export const batchUploadResult = Type.Object(
  {
    results: Type.Array(
      Type.Object({
        index: Type.Integer({ minimum: 0, description: 'Position in `files`.' }),
        filename: Type.String(),
        status: Type.Integer({ description: 'The status this file alone would have got.' }),
        asset: Type.Optional(assetResponse),
        error: Type.Optional(partProblem),
      }),
    ),
    succeeded: Type.Integer({ minimum: 0 }),
    failed: Type.Integer({ minimum: 0 }),
  },
  { title: 'BatchUploadResult', description: 'One result for each file, in the order sent.' },
)
export type BatchUploadResult = Static<typeof batchUploadResult>

const ids = Type.Array(uuid('Asset id.'), { minItems: 1, maxItems: 1000 })

export const batchDelete = Type.Object(
  {
    ids,
    hard_delete: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Remove for good, with all versions; old ones need versions:write.',
      }),
    ),
  },
  { ...closed, title: 'BatchDelete' },
)

export const batchDeleteResult = Type.Object(
  {
    results: Type.Array(
      Type.Object({
        id: Type.String(),
        status: Type.Integer({ description: '204, or the status this id alone would have got.' }),
        error: Type.Optional(partProblem),
      }),
    ),
    succeeded: Type.Integer({ minimum: 0 }),
    failed: Type.Integer({ minimum: 0 }),
  },
  { title: 'BatchDeleteResult' },
)
export type BatchDeleteResult = Static<typeof batchDeleteResult>

export const batchDownload = Type.Object(
  {
    ids,
    format: Type.Optional(Type.Enum(['zip', 'tar'], { default: 'zip' })),
    partial: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Leave out what cannot be read and list it in the last entry, `holdfast-missing.json`. ' +
          'Otherwise one such id refuses the whole request.',
      }),
    ),
  },
  { ...closed, title: 'BatchDownload' },
)
