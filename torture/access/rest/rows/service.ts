import { canary, password } from '../../people.ts'
import type { Row, World } from '../row.ts'
import { rules } from '../rules.ts'

const open: Row = { rule: rules.open, ask: () => ({}), once: true }
const { administrators, operators, auditors } = rules
let names = 0

function newName(kind: string): string {
  names += 1
  return `mx-${kind}-${names}`
}

async function newUser(lab: World['lab']): Promise<Record<string, string>> {
  const username = newName('made')
  const profile = { password, email: `${username}@${canary}.org`, roles: [] }
  const { id } = await lab.must('POST', '/api/v2/users', { username, ...profile })
  return { id, username }
}

async function newGroup(lab: World['lab']): Promise<Record<string, string>> {
  const group = { name: newName('group'), description: canary }
  return { id: (await lab.must('POST', '/api/v2/groups', group)).id }
}

async function newBucket(lab: World['lab']): Promise<Record<string, string>> {
  const name = newName('bucket')
  await lab.must('POST', '/api/v2/buckets', { name })
  return { name }
}

const madeUser = ({ lab }: World) => newUser(lab)
const madeGroup = ({ lab }: World) => newGroup(lab)
const madeBucket = ({ lab }: World) => newBucket(lab)
const byId = ({ made: { id = '' } }: World) => ({ params: { id } })

export const serviceRows = {
  getService: open,
  getHealth: open,
  getLiveness: open,
  getReadiness: open,
  getStartup: open,
  getOpenApi: open,
  getDocs: open,
  getDocsFile: { ...open, ask: () => ({ params: { file: 'swagger-ui.css' } }) },
  listErrors: open,
  getMetrics: { rule: operators, ask: () => ({}), once: true },
  getHealthMetrics: { rule: operators, ask: () => ({}), once: true },
  collectGarbage: { rule: operators, ask: () => ({}), once: true },
  verifyStore: { rule: operators, ask: () => ({}), once: true },
} as const satisfies Record<string, Row>

export const identityRows = {
  // These carry a credential of their own, and the one of the caller is not looked at.
  login: { ...open, ask: () => ({ json: { username: 'nobody', password } }), also: [401, 423] },
  refresh: { ...open, ask: () => ({ json: { refresh_token: 'none' } }), also: [401] },
  changePassword: {
    ...open,
    ask: () => ({ json: { username: 'none', password, new_password: `${password}-3` } }),
    also: [401, 423],
  },
  getJwks: open,
  whoAmI: { rule: rules.self, ask: () => ({}), once: true },
  // Ends the session of the caller: asked for by sessions that are there for it.
  logout: { rule: rules.session, ask: () => ({}), once: true, spends: true },
  listSigningKeys: { rule: administrators, ask: () => ({}), once: true },
  rotateSigningKey: { rule: administrators, ask: () => ({}), once: true },
  listUsers: { rule: administrators, ask: () => ({}), once: true },
  createUser: {
    rule: administrators,
    ask: () => ({ json: { username: newName('new'), password } }),
    once: true,
  },
  getUser: { rule: administrators, prepare: madeUser, ask: byId, once: true },
  updateUser: {
    rule: administrators,
    prepare: madeUser,
    ask: world => ({ ...byId(world), json: { roles: ['ADMIN'] } }),
    once: true,
  },
  removeUser: { rule: administrators, prepare: madeUser, ask: byId, once: true },
  resetUserPassword: {
    rule: administrators,
    prepare: madeUser,
    ask: world => ({ ...byId(world), json: { password: `${password}-4` } }),
    once: true,
  },
  unlockUser: { rule: administrators, prepare: madeUser, ask: byId, once: true },
} as const satisfies Record<string, Row>

export const accessRows = {
  listGroups: { rule: administrators, ask: () => ({}), once: true },
  createGroup: {
    rule: administrators,
    ask: () => ({ json: { name: newName('new-group') } }),
    once: true,
  },
  getGroup: { rule: administrators, prepare: madeGroup, ask: byId, once: true },
  updateGroup: {
    rule: administrators,
    prepare: madeGroup,
    ask: world => ({ ...byId(world), json: { members: [] } }),
    once: true,
  },
  removeGroup: { rule: administrators, prepare: madeGroup, ask: byId, once: true },
  listGrants: { rule: administrators, ask: () => ({}), once: true },
  addGrant: {
    rule: administrators,
    prepare: madeGroup,
    ask: ({ made: { id }, bucket }) => ({
      json: { principal_id: id, bucket, permissions: ['assets:read'] },
    }),
    once: true,
  },
  removeGrant: {
    rule: administrators,
    prepare: async ({ lab, bucket }) => {
      const { id: holder } = await newGroup(lab)
      const grant = { principal_id: holder, bucket, permissions: ['assets:read'] }
      return { id: (await lab.must('POST', '/api/v2/grants', grant)).id }
    },
    ask: byId,
    once: true,
  },
  explainAccess: {
    rule: rules.self,
    ask: () => ({ json: { permission: 'assets:read' } }),
    once: true,
  },
} as const satisfies Record<string, Row>

export const auditRows = {
  listAudits: { rule: auditors, ask: () => ({}), once: true },
  exportAudits: { rule: auditors, ask: () => ({ query: { format: 'jsonl' } }), once: true },
  reportAudits: { rule: auditors, ask: () => ({}), once: true },
  verifyAudits: { rule: auditors, ask: () => ({}), once: true },
  acknowledgeAudits: {
    rule: administrators,
    ask: () => ({ json: { reason: 'asked by everybody' } }),
    once: true,
  },
} as const satisfies Record<string, Row>

export const bucketRows = {
  listBuckets: { rule: rules.listBuckets, ask: () => ({}), once: true },
  createBucket: {
    rule: rules.createBucket,
    ask: () => ({ json: { name: newName('new-bucket') } }),
    once: true,
  },
  getBucket: { rule: rules.readBucket, ask: ({ bucket }) => ({ params: { bucket } }) },
  updateBucket: {
    rule: rules.changeBucket,
    prepare: madeBucket,
    ask: ({ made: { name = '' } }) => ({ params: { bucket: name }, json: { public_read: true } }),
    once: true,
  },
  removeBucket: {
    rule: rules.changeBucket,
    prepare: madeBucket,
    ask: ({ made: { name = '' } }) => ({ params: { bucket: name } }),
    once: true,
  },
  listQuotas: { rule: operators, ask: () => ({}), once: true },
  getQuota: {
    rule: operators,
    ask: ({ bucket }) => ({ params: { scope: 'bucket', name: bucket } }),
    once: true,
  },
  setQuota: {
    rule: operators,
    ask: () => ({ params: { scope: 'service', name: newName('quota') }, json: { assets_max: 1 } }),
    once: true,
  },
  removeQuota: {
    rule: operators,
    prepare: async ({ lab }) => {
      const name = newName('quota')
      await lab.must('PUT', `/api/v2/quotas/service/${name}`, { assets_max: 1 })
      return { name }
    },
    ask: ({ made: { name = '' } }) => ({ params: { scope: 'service', name } }),
    once: true,
  },
  listKeys: { rule: administrators, ask: () => ({}), once: true },
  createKey: {
    rule: administrators,
    ask: () => ({ json: { name: canary, permissions: ['*'] } }),
    once: true,
  },
  revokeKey: {
    rule: administrators,
    prepare: async ({ lab }) => {
      const { id } = await lab.must('POST', '/api/v2/keys', { name: canary, permissions: ['*'] })
      return { id }
    },
    ask: byId,
    once: true,
  },
} as const satisfies Record<string, Row>
