import { HoldfastError } from '@holdfast/core/errors.ts'
import { anonymous } from '@holdfast/core/principal.ts'
import type { Json, JsonObject } from '@holdfast/core/records.ts'
import {
  conditionKeyProblem,
  conditionValueProblem,
  hasVariable,
  isOfServices,
  isOperator,
  readsStars,
} from './conditions.ts'
import { appliesToAny, isKnownAction } from './known-actions.ts'
import { isNarrowNetwork } from './networks.ts'
import type { Condition, Statement } from './statement.ts'
import { ACCOUNT, readUserArn } from './user-arn.ts'
import { between, isLike, isTooWild } from './wildcards.ts'

const STATEMENTS_MAX = 200
const VALUES_MAX = 500
const BYTES_MAX = 20 * 1024
/** Each costs up to ten microseconds whenever a key is asked about. */
const BETWEEN_MAX = 256
const ARN = 'arn:aws:s3:::'
/** Beside what a policy says: its text, which is given back. It means nothing. */
export const AS_WRITTEN = 'AsWritten'
const PRINCIPAL = /^arn:aws:(?:iam|sts)::\d*:(?:user|role|assumed-role)\/(.+)$/

/** What AWS says of each, without the reason. */
const told = {
  Action: 'Policy has invalid action',
  Address: 'Invalid IP address in Conditions',
  Key: 'Policy has an invalid condition key',
  Principal: 'Invalid principal in policy',
  Resource: 'Policy has invalid resource',
  Statement: 'Could not parse the policy: Statement is empty!',
  Version: 'The policy must contain a valid version string',
}
const NOWHERE = 'Action does not apply to any resource(s) in statement'

const parsed = new WeakMap<JsonObject, readonly Statement[]>()

/** POLICY_UNSUPPORTED with a reason, unless all of the document is understood. */
export function statementsOf(document: JsonObject): readonly Statement[] {
  const known = parsed.get(document)
  if (known !== undefined) return known
  const statements = parse(document)
  parsed.set(document, statements)
  return statements
}

/**
 * The same, and every resource must lie in the bucket, and every action be one that can be asked
 * of it: a misspelt denial would deny nothing.
 */
export function requirePolicy(document: JsonObject, bucket: string): readonly Statement[] {
  const { [AS_WRITTEN]: _, ...said } = document
  if (JSON.stringify(said).length > BYTES_MAX) throw unsupported('is larger than 20 KiB')
  const statements = statementsOf(document)
  requireNames(document)
  requireFilled(document)
  for (const statement of statements) {
    for (const resource of statement.resources) {
      const [name = ''] = resource.split('/', 1)
      if (!isLike(bucket, name)) {
        throw unsupported(`the resource ${ARN}${resource} is another bucket`, told.Resource)
      }
      if (hasVariable(resource)) throw unsupported(`the variable in the resource ${ARN}${resource}`)
      if (isTooWild(resource)) throw unsupported(`the wildcards of ${ARN}${resource}`)
    }
    requireValues(statement)
    requireActions(statement)
  }
  requireFewWildcards(statements)
  return statements
}

/** They mean nothing: a policy that was set before they were looked at goes on. */
function requireNames({ Id: id, Statement: list = [] }: JsonObject): void {
  requireName(id, 'Id')
  for (const statement of [list].flat()) {
    if (isObject(statement)) requireName(statement.Sid, 'Sid')
  }
}

function requireName(name: Json | undefined, field: string): void {
  if (name !== undefined && typeof name !== 'string') throw unsupported(`${field} must be a string`)
}

/** It names nobody, or asks for nothing: not what its statement seems to say. */
function requireFilled({ Statement: list = [] }: JsonObject): void {
  const refuse = (map: Json | undefined, name: string, sentence?: string) => {
    if (isObject(map) && Object.keys(map).length === 0) {
      throw unsupported(`${name} is empty`, sentence)
    }
  }
  for (const statement of [list].flat()) {
    if (!isObject(statement)) continue
    const { Principal: those, NotPrincipal: others, Condition: conditions } = statement
    refuse(those, 'Principal', told.Principal)
    refuse(others, 'NotPrincipal', told.Principal)
    const operators = isObject(conditions) ? Object.entries(conditions) : []
    for (const [operator, keys] of operators) refuse(keys, operator)
  }
}

function requireValues({ conditions, principals, exceptPrincipals }: Statement): void {
  const ofServices = conditions.find(isOfServices)
  if (ofServices !== undefined && (exceptPrincipals || principals.length > 0)) {
    throw unsupported(`the condition key ${ofServices.key} of who is no service`, told.Key)
  }
  for (const { operator, key, values } of conditions) {
    const [problem] = values.flatMap(value => conditionValueProblem(operator, key, value) ?? [])
    if (problem === undefined) continue
    throw unsupported(problem, /ipaddress/i.test(operator) ? told.Address : undefined)
  }
}

/** What is excepted needs no resource: the statement is about all else. */
function requireActions(statement: Statement): void {
  const { actions, resources, exceptActions, exceptResources } = statement
  for (const action of actions) {
    if (!isKnownAction(action)) throw unsupported(`${told.Action}: ${action}`, told.Action)
    if (exceptActions || exceptResources || appliesToAny(action, resources)) continue
    throw unsupported(`${NOWHERE}: ${action}`, NOWHERE)
  }
}

function requireFewWildcards(statements: readonly Statement[]): void {
  const patterns = statements.flatMap(({ resources, conditions }) => [
    ...resources,
    ...conditions.flatMap(({ operator, values }) => (readsStars(operator) ? values : [])),
  ])
  const sought = patterns.reduce((sum, pattern) => sum + between(pattern).length, 0)
  if (sought > BETWEEN_MAX) throw unsupported(`more than ${BETWEEN_MAX} parts between two *`)
}

/** Whether a policy opens anything to everybody: what a public access block looks for. */
export function isPublicPolicy(statements: readonly Statement[]): boolean {
  return statements.some(statement => {
    const everybody = statement.exceptPrincipals || statement.principals.includes('*')
    return statement.effect === 'Allow' && everybody && !isConfined(statement)
  })
}

/** Conditions on fixed values of these keys make a statement not public. */
function isConfined({ conditions }: Statement): boolean {
  return conditions.some(({ operator, key, values }) => {
    if (/^aws:sourceip$/i.test(key)) {
      return /^(?:ipaddress|stringequals)$/i.test(operator) && values.every(isNarrowNetwork)
    }
    const named = /^aws:(?:principalarn|userid)$/i.test(key)
    const fixed = (value: string) => !/[*?]/.test(value) && value !== anonymous.id
    return named && /^(?:stringequals|arnequals)$/i.test(operator) && values.every(fixed)
  })
}

function parse(document: JsonObject): readonly Statement[] {
  only(document, ['Version', 'Id', 'Statement', AS_WRITTEN], 'the policy')
  const { Version: version, Statement: statement } = document
  if (version !== undefined && version !== '2012-10-17' && version !== '2008-10-17') {
    throw unsupported('Version must be 2012-10-17', told.Version)
  }
  const list = Array.isArray(statement) ? statement : [statement]
  if (list.length === 0 || list.length > STATEMENTS_MAX) {
    const none = list.length === 0 ? told.Statement : undefined
    throw unsupported(`needs 1 to ${STATEMENTS_MAX} statements`, none)
  }
  return list.map(parseStatement)
}

const FIELDS = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]

function parseStatement(value: Json | undefined): Statement {
  if (!isObject(value)) throw unsupported('a statement must be an object')
  only(value, FIELDS, 'a statement')
  const { Effect: effect } = value
  if (effect !== 'Allow' && effect !== 'Deny') {
    const sentence =
      typeof effect === 'string' ? `Invalid effect: ${effect.slice(0, 256)}` : undefined
    throw unsupported('Effect must be Allow or Deny', sentence)
  }
  const except = (name: string) => value[`Not${name}`] !== undefined
  const one = (name: string) => {
    const [plain, negated] = [value[name], value[`Not${name}`]]
    if (plain !== undefined && negated !== undefined) {
      throw unsupported(`${name} and Not${name} exclude each other`)
    }
    const given = plain ?? negated
    if (given === undefined) throw unsupported(`${name} is missing`)
    return given
  }
  const actions = texts(one('Action'), 'Action').map(action => {
    if (action !== '*' && !/^s3:[a-z*?]+$/i.test(action)) {
      throw unsupported(`the action ${action} is none of S3`, told.Action)
    }
    return action.toLowerCase()
  })
  const resources = texts(one('Resource'), 'Resource').map(resource => {
    if (!resource.startsWith(ARN)) {
      throw unsupported(`the resource ${resource} is none of S3`, told.Resource)
    }
    return resource.slice(ARN.length)
  })
  if (effect === 'Allow' && except('Principal')) {
    throw unsupported('NotPrincipal is taken with Deny only')
  }
  return {
    effect,
    principals: principalsOf(one('Principal')),
    exceptPrincipals: except('Principal'),
    actions,
    exceptActions: except('Action'),
    resources,
    exceptResources: except('Resource'),
    conditions: conditionsOf(value.Condition),
  }
}

function principalsOf(value: Json): string[] {
  if (value === '*') return ['*']
  if (!isObject(value)) throw unsupported('Principal must be * or an object', told.Principal)
  only(value, ['AWS', 'CanonicalUser', 'Service'], 'Principal')
  return Object.entries(value).flatMap(([kind, given]) =>
    texts(given, 'Principal').flatMap(text => {
      if (kind === 'Service') return servicesOf(text)
      if (text === '*' && kind === 'AWS') return '*'
      // As at AWS all or one are meant: a name of `*` would be everybody, anonymous included.
      if (/[*?]/.test(text)) {
        throw unsupported(`the wildcard in the principal ${text}`, told.Principal)
      }
      const name = (PRINCIPAL.exec(text) ?? ACCOUNT.exec(text))?.[1]
      if (name === undefined && text.startsWith('arn:')) {
        throw unsupported(`the principal ${text} is not a user, role or account`, told.Principal)
      }
      return name ?? text
    }),
  )
}

/** Nobody: no service of AWS asks here, such as the one that delivers logs. */
function servicesOf(name: string): readonly string[] {
  if (/^[a-z\d.-]+\.amazonaws\.com$/.test(name)) return []
  throw unsupported(`the service ${name}`)
}

function conditionsOf(value: Json | undefined): Condition[] {
  if (value === undefined) return []
  if (!isObject(value)) throw unsupported('Condition must be an object')
  return Object.entries(value).flatMap(([operator, keys]) => {
    if (!isOperator(operator)) {
      const sentence = `Invalid Condition type : ${operator.slice(0, 256)}`
      throw unsupported(`the condition operator ${operator}`, sentence)
    }
    if (!isObject(keys)) throw unsupported(`${operator} must be an object`)
    return Object.entries(keys).map(([key, given]) => {
      const problem = conditionKeyProblem(key)
      if (problem !== undefined) throw unsupported(problem, told.Key)
      const values = scalars(given, key)
      const isArn = key.toLowerCase() === 'aws:principalarn'
      return { operator, key, values: isArn ? values.map(readUserArn) : values }
    })
  })
}

function texts(value: Json | undefined, what: 'Action' | 'Principal' | 'Resource'): string[] {
  const list = Array.isArray(value) ? value : [value]
  if (list.length === 0 || list.length > VALUES_MAX) {
    throw unsupported(`${what} is empty or too long`, told[what])
  }
  return list.map(one => {
    if (typeof one !== 'string' || one === '') throw unsupported(`${what} must be text`, told[what])
    return one
  })
}

function scalars(value: Json | undefined, what: string): string[] {
  const list = Array.isArray(value) ? value : [value]
  if (list.length === 0 || list.length > VALUES_MAX)
    throw unsupported(`${what} is empty or too long`)
  return list.map(one => {
    if (typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean') {
      return String(one)
    }
    throw unsupported(`${what} must be text, a number or a boolean`)
  })
}

function only(object: JsonObject, names: readonly string[], what: string): void {
  const foreign = Object.keys(object).find(name => !names.includes(name))
  if (foreign !== undefined) throw unsupported(`${what} has the unknown field ${foreign}`)
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `sentence`: AWS's own, which its clients know. */
function unsupported(reason: string, sentence?: string): HoldfastError {
  const told = sentence === undefined ? {} : { sentence }
  return new HoldfastError('POLICY_UNSUPPORTED', { reason, ...told })
}
