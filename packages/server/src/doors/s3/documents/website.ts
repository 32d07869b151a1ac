import type { JsonObject } from '@holdfast/core/records.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import { malformed } from '../xml/read.ts'
import { object, objects } from './kept-objects.ts'

const RULES_MAX = 50
const PROTOCOLS = ['http', 'https']

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_WebsiteConfiguration.html */
export function checkWebsite(document: JsonObject): void {
  const all = document.RedirectAllRequestsTo
  const others = ['IndexDocument', 'ErrorDocument', 'RoutingRules']
  if (all !== undefined && others.some(name => document[name] !== undefined)) {
    const message =
      'RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.'
    throw invalidArgument('RedirectAllRequestsTo', 'not null', message)
  }
  if (all === undefined) checkIndex(document.IndexDocument)
  else requireProtocol(object(all))
  if (object(document.ErrorDocument ?? {}).Key === '') {
    throw invalidArgument('ErrorDocument', '', 'The ErrorDocument Key is not well formed')
  }
  const rules = objects(object(document.RoutingRules).RoutingRule)
  if (rules.length > RULES_MAX) {
    throw refused(
      `${rules.length} routing rules provided, the number of routing rules in a website ` +
        `configuration is limited to ${RULES_MAX}.`,
    )
  }
  for (const rule of rules) checkRule(rule)
}

function checkIndex(index: unknown): void {
  if (index === undefined) {
    const message =
      'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty'
    throw invalidArgument('IndexDocument', 'null', message)
  }
  const { Suffix: suffix } = object(index)
  if (typeof suffix === 'string' && !/^[^/]+$/.test(suffix)) {
    throw invalidArgument('IndexDocument', suffix, 'The IndexDocument Suffix is not well formed')
  }
}

function checkRule({ Condition: condition, Redirect: redirect }: JsonObject): void {
  const { ReplaceKeyPrefixWith: prefix, ReplaceKeyWith: key, ...others } = object(redirect)
  requireProtocol(others)
  requireCode('redirect', others.HttpRedirectCode)
  requireCode('error', object(condition).HttpErrorCodeReturnedEquals)
  if (prefix !== undefined && key !== undefined) {
    throw refused('You can only define ReplaceKeyPrefix or ReplaceKey but not both.')
  }
  if (condition === undefined || Object.keys(object(condition)).length > 0) return
  throw refused(
    'Condition cannot be empty. To redirect all requests without a condition, the condition ' +
      "element shouldn't be present.",
  )
}

const CODES = {
  redirect: { valid: /^3(?!00)\d\d$/, words: '3XX except 300' },
  error: { valid: /^[45]\d\d$/, words: '4XX or 5XX' },
}

function requireCode(kind: keyof typeof CODES, code: unknown): void {
  if (code === undefined) return
  const { valid, words } = CODES[kind]
  const text = String(code)
  if (!/^\d{1,9}$/.test(text)) throw malformed()
  if (valid.test(text)) return
  throw refused(`The provided HTTP ${kind} code (${text}) is not valid. Valid codes are ${words}.`)
}

function requireProtocol({ Protocol: protocol }: JsonObject): void {
  if (protocol === undefined || PROTOCOLS.some(known => known === protocol)) return
  throw refused(
    'Invalid protocol, protocol can be http or https. If not defined the protocol will be ' +
      'selected automatically.',
  )
}

function refused(message: string): S3Error {
  return new S3Error('InvalidRequest', { message })
}
