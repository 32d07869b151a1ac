import { type ClientError, isClientError } from '@holdfast/client'
import { isUntrusted } from '@holdfast/client/wire/network-failure.ts'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { visible } from './visible.ts'

/** One sentence for people, with the code for programs and the id for the log. */
export function failureText(error: unknown): string {
  if (isClientError(error)) return clientText(error)
  if (isHoldfastError(error)) return `${withFacts(error.message, error.details)} (${error.code})`
  const errno = errnoText(error)
  if (errno !== undefined) return errno
  return visible(error instanceof Error ? error.message : String(error))
}

function clientText(error: ClientError): string {
  const { code, status, requestId, attempts } = error
  const facts: string[] = [visible(code)]
  if (status > 0) facts.push(`status ${status}`)
  if (requestId !== undefined) facts.push(`request ${visible(requestId)}`)
  if (attempts > 1) facts.push(`${attempts} attempts`)
  const hint = hintOf(error)
  return `${withFacts(visible(error.message), error.details)} (${facts.join(', ')})${hint}`
}

function hintOf({ code, details }: ClientError): string {
  if (code === 'UNAUTHENTICATED' && details.credential === 'missing') {
    return '; set HOLDFAST_API_KEY or give --key (holdfast login NAME prints a token)'
  }
  if (code === 'NETWORK' && details.cause === 'ECONNREFUSED') {
    return '; is the server running? See HOLDFAST_URL or --url'
  }
  if (code === 'NETWORK' && isUntrusted(details.cause)) {
    return '; NODE_EXTRA_CA_CERTS names the file of a certificate or authority of your own'
  }
  return MENDS[code] ?? ''
}

const MENDS: Readonly<Record<string, string>> = {
  CONFIRMATION_REQUIRED:
    '; run holdfast confirm first, or set HOLDFAST_PASSWORD to your own password (HOLDFAST_CODE ' +
    'to your code); without a password here log in again; scripts take an API key',
  CREDENTIAL_EXPIRED: '; holdfast login NAME prints another token, keys are issued anew',
  PASSWORD_CHANGE_REQUIRED: '; holdfast password change NAME does it',
  SECOND_FACTOR_ENROLMENT_REQUIRED: '; holdfast second-factor on NAME does it',
}

function withFacts(message: string, details: Readonly<Record<string, unknown>>): string {
  const facts = factsText(details)
  return facts === '' ? message : `${message.replace(/\.$/, ':')} ${facts}`
}

const PROBLEMS_SHOWN_MAX = 8

/** The wrong fields, a reason, or the figures of a quota: what helps to do better. */
function factsText(details: Readonly<Record<string, unknown>>): string {
  const { errors, reason, permission, directory, format, supported } = details
  if (Array.isArray(errors)) return errors.slice(0, PROBLEMS_SHOWN_MAX).map(problemText).join('; ')
  const facts: string[] = []
  if (typeof directory === 'string') facts.push(visible(directory))
  if (typeof reason === 'string') facts.push(visible(reason))
  if (typeof permission === 'string') facts.push(`it takes ${visible(permission)}`)
  if (format !== undefined)
    facts.push(`its format is ${String(format)}, this version knows ${String(supported)}`)
  return facts.join(': ')
}

function problemText(problem: unknown): string {
  if (typeof problem !== 'object' || problem === null) return visible(String(problem))
  const path = 'path' in problem ? visible(String(problem.path)) : ''
  const text = 'problem' in problem ? visible(String(problem.problem)) : ''
  return `${path} ${text}`
}

const ERRNO_SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be accessed',
  EPERM: 'may not be changed',
  EISDIR: 'is a directory',
  ENOTDIR: 'is not a directory',
  ENOSPC: 'has no room left on its disk',
  EROFS: 'is on a read-only disk',
  ENAMETOOLONG: 'has too long a name',
  EDQUOT: 'is beyond the disk quota',
  ELOOP: 'is a symbolic link',
}

function errnoText(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const sentence = ERRNO_SENTENCES[String(error.code)]
  if (sentence === undefined) return undefined
  const path = 'path' in error && typeof error.path === 'string' ? visible(error.path) : 'a file'
  return `${path} ${sentence} (${String(error.code)})`
}
