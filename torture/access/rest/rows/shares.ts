import type { Row, World } from '../row.ts'
import { rules, sameFor } from '../rules.ts'

//                              adm ope use aud rea nar str con ano
const makersOnly = sameFor(' +   4   4   4   4   4   4   4   1 ')
const shared = async ({ lab, id }: World) => {
  const { id: share, url } = await lab.must('POST', '/api/v2/shares', { asset_id: id })
  return { share, token: new URL(url).pathname.split('/').at(-1) ?? '' }
}
const sharedPart = async ({ lab, bucket }: World) => {
  const part = { bucket, prefix: '' }
  const { url } = await lab.must('POST', '/api/v2/shares', part)
  return { token: new URL(url).pathname.split('/').at(-1) ?? '' }
}
const byShare = ({ made: { share = '' } }: World) => ({ params: { id: share } })
const byToken = ({ made: { token = '' } }: World) => ({ params: { token } })
const file = ({ made: { token = '' }, key }: World) => ({ params: { token, key } })

export const shareRows = {
  createShare: { rule: rules.lendReading, ask: ({ id }) => ({ json: { asset_id: id } }) },
  listShares: { rule: rules.self, ask: () => ({}), once: true },
  getShare: { rule: makersOnly, prepare: shared, ask: byShare, once: true },
  revokeShare: { rule: makersOnly, prepare: shared, ask: byShare, once: true },
  describeShare: { rule: rules.open, prepare: shared, ask: byToken },
  openShare: { rule: rules.open, prepare: shared, ask: byToken },
  headShare: { rule: rules.open, prepare: shared, ask: byToken },
  openSharedFile: { rule: rules.open, prepare: sharedPart, ask: file },
  headSharedFile: { rule: rules.open, prepare: sharedPart, ask: file },
} as const satisfies Record<string, Row>
