import type { OperationId } from '@holdfast/contract/routes.ts'

const asksOnly = 'changes nothing'
const ofStore = 'of the store as a whole, which no other request decides by'
const alike = 'the same act as that of its twin, by another address'

/** Routes that change something and are not run against others, each with the reason. */
export const notRaced: { readonly [Id in OperationId]?: string } = {
  batchDownload: asksOnly,
  explainAccess: asksOnly,
  validateToken: asksOnly,
  verifyAudits: asksOnly,
  verifyStore: ofStore,
  collectGarbage: ofStore,
  rotateSigningKey: ofStore,
  acknowledgeAudits: ofStore,
  bulkUpload: alike,
  putByKeyQuery: alike,
  removeByKeyQuery: alike,
  redeemOpenId: 'needs a provider of logins',
  forgotPassword: 'answers before it does anything; what it makes is used by resetPassword',
}
