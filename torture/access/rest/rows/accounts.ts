import type { Row, World } from '../row.ts'
import { rules } from '../rules.ts'

const open: Row = { rule: rules.open, ask: () => ({}), once: true }
const { administrators } = rules
const secret = 'x'.repeat(43)
let accounts = 0

const newName = (): string => {
  accounts += 1
  return `mx-account-${accounts}`
}
const account = async ({ lab }: World) => {
  const made = await lab.must('POST', '/api/v2/service-accounts', { name: newName() })
  return { id: made.id, secret: made.secrets[0].id }
}
const byId = ({ made: { id = '' } }: World) => ({ params: { id } })
const bySecret = ({ made: { id = '', secret: secret_id = '' } }: World) => ({
  params: { id, secret_id },
})

export const accountRows = {
  // Carries a credential of its own.
  issueToken: {
    ...open,
    ask: () => ({
      json: { grant_type: 'client_credentials', client_id: 'sa_a_b_c', client_secret: secret },
    }),
    also: [401],
  },
  listAccounts: { rule: administrators, ask: () => ({}), once: true },
  createAccount: {
    rule: administrators,
    ask: () => ({ json: { name: newName() } }),
    once: true,
  },
  getAccount: { rule: administrators, prepare: account, ask: byId, once: true },
  updateAccount: {
    rule: administrators,
    prepare: account,
    ask: world => ({ ...byId(world), json: { roles: ['ADMIN'] } }),
    once: true,
  },
  removeAccount: { rule: administrators, prepare: account, ask: byId, once: true },
  rotateSecret: { rule: administrators, prepare: account, ask: byId, once: true },
  removeSecret: { rule: administrators, prepare: account, ask: bySecret, once: true },
} as const satisfies Record<string, Row>

/** Without a provider in the settings these are not there for anybody. */
export const openIdRows = {
  beginOpenId: {
    ...open,
    ask: () => ({ query: { return_to: 'https://x.org', challenge: secret } }),
    also: [404],
  },
  finishOpenId: { ...open, also: [404] },
  redeemOpenId: { ...open, ask: () => ({ json: { code: secret, verifier: secret } }), also: [404] },
} as const satisfies Record<string, Row>
