import type { Kind } from '../setting-kinds.ts'
import { jsonOf } from './mapping-setting.ts'

/** Names of claims by the attributes of a directory that fill them. */
export type AttributeMap = Readonly<Record<string, string>>

export const ATTRIBUTE = /^[A-Za-z][A-Za-z0-9;-]{0,127}$/
const CLAIM = /^[a-z][a-z0-9_]{0,31}$/
const CUSTOM_MAX = 10

export const standardAttributes: AttributeMap = Object.freeze({
  cn: 'full_name',
  departmentNumber: 'department',
  telephoneNumber: 'phone',
  title: 'job_title',
  manager: 'manager_dn',
  employeeNumber: 'employee_id',
})

/**
 * Claims that mean something to this store or to whoever else reads its tokens: those of the tokens
 * themselves, of RFC 7519 §4.1, 8693 §4, 9068 §2.2 and 7800 §3.1, and of OpenID Connect Core §2.
 */
const RESERVED: ReadonlySet<string> = new Set([
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid', 'typ', 'type', 'kind', 'kid'],
  ...['username', 'name', 'email', 'email_verified', 'role', 'roles', 'permissions', 'groups'],
  ...['entitlements', 'scope', 'scp', 'client_id', 'rate_limit', 'user_id', 'act', 'may_act'],
  ...['auth_time', 'nonce', 'acr', 'amr', 'azp', 'at_hash', 'c_hash', 'cnf', 'constructor'],
  ...['preferred_username', 'ldap_dn', 'ldap_groups', 'ldap_incomplete'],
])
/** What directories keep passwords and keys in. */
const SECRET =
  /password|passwd|pwd|rootpw|secret|private|credential|pkcs12|(krb|otp)\w*key|(lm|nt)hash/i

export function attributeProblem(name: string): string | undefined {
  return ATTRIBUTE.test(name) ? undefined : 'must be the name of an attribute'
}

/** `{"cn": "full_name", "roomNumber": "room"}` */
export const attributeMap: Kind<AttributeMap> = {
  type: 'JSON object of attributes and names of claims',
  parse: given => {
    const value = jsonOf(given)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return { problem: 'must be a JSON object' }
    }
    const pairs: [string, unknown][] = Object.entries(value)
    const map: Record<string, string> = {}
    for (const [attribute, claim] of pairs) {
      const problem = attributeProblem(attribute) ?? claimProblem(attribute, claim)
      if (problem !== undefined) return { problem: `${JSON.stringify(attribute)} ${problem}` }
      map[attribute] = String(claim)
    }
    const problem = wholeProblem(map)
    return problem === undefined ? { value: map } : { problem }
  },
  show: value => JSON.stringify(value),
}

function claimProblem(attribute: string, claim: unknown): string | undefined {
  if (SECRET.test(attribute)) return 'may hold a secret'
  if (typeof claim !== 'string' || !CLAIM.test(claim)) {
    return 'needs a claim of 1 to 32 small letters, digits and _, beginning with a letter'
  }
  return RESERVED.has(claim) ? `names ${claim}, which is reserved` : undefined
}

function wholeProblem(map: AttributeMap): string | undefined {
  const claims = Object.values(map)
  const twice = claims.find((claim, index) => claims.indexOf(claim) !== index)
  if (twice !== undefined) return `names ${twice} twice`
  const own = Object.entries(map).filter(([name, claim]) => standardAttributes[name] !== claim)
  return own.length > CUSTOM_MAX
    ? `has more than ${CUSTOM_MAX} beside ${Object.keys(standardAttributes).join(', ')}`
    : undefined
}
