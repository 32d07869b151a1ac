import type { Row } from '../row.ts'
import { sameFor } from '../rules.ts'

//                              adm ope use aud rea nar str con ano
/** Users have keys of their own; a key that may not make keys has none. */
const ownKeys = sameFor(' +   +   +   +   +   3   +   3   1 ')
const makersOnly = sameFor(' +   4   4   4   4   3   4   3   1 ')

export const s3KeyRows = {
  listS3Keys: { rule: ownKeys, ask: () => ({}), once: true },
  createS3Key: { rule: ownKeys, ask: () => ({ json: { name: 'mx' } }), once: true },
  revokeS3Key: {
    rule: makersOnly,
    prepare: async ({ lab }) => {
      const key = { name: 'mx', user_id: null, permissions: ['assets:read'] }
      return { id: (await lab.must('POST', '/api/v2/s3/keys', key)).id }
    },
    ask: ({ made: { id = '' } }) => ({ params: { id } }),
    once: true,
  },
} as const satisfies Record<string, Row>
