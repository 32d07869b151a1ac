import type { JsonObject } from '@holdfast/core/records.ts'

/**
 * Credentials that stand where a door writes down what it was asked for: those of links belong
 * into an address, keys and tokens come there by mistake, also to the port of another door.
 */

/**
 * The path of a log line, at every door. A credential is left out by what the path says, not by the
 * route that was found: a request that misses the route, by a method or a slash, holds it as well.
 */
export function loggedPath(path: string): string {
  let plain = path
  for (let round = 0; round < 4 && plain.includes('%'); round += 1) {
    plain = plain.replaceAll(/%([\da-f]{2})/gi, (_, hex: string) => {
      return String.fromCharCode(Number.parseInt(hex, 16))
    })
  }
  if (/presigned[^\w-]/i.test(plain)) return '/api/v2/presigned/(hidden)'
  if (/hfs_|v2\W+shared\W|^\W*s\W/i.test(plain)) return '/s/(hidden)'
  // The decoded text only decides: what is not hidden is logged as it came.
  return KEY.test(plain) || holdsToken(plain) ? '(hidden)' : visiblePath(path)
}

const NAME_CHARS_MAX = 1100

/** What an audit row is about: names, without the token of a link and without credentials. */
export function resourceOf(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null) return {}
  const named = Object.entries(value).filter(([name]) => name !== 'token')
  return Object.fromEntries(
    named.map(([name, text]) => [name, withoutCredentials(String(text)).slice(0, NAME_CHARS_MAX)]),
  )
}

/** Only the credential goes, so that nobody hides a row by the rest of a name. */
function withoutCredentials(text: string): string {
  if (!HINT.test(text)) return text
  const runs = text.replaceAll(LINK, '$1(hidden)').replaceAll(KEYS, '(hidden)')
  return runs.replaceAll(/[\w.-]+/g, run => (holdsToken(run) ? '(hidden)' : run))
}

/** In visible ASCII, whatever the parser let through: terminals obey bytes above and below it. */
function visiblePath(path: string): string {
  return path.slice(0, 512).replaceAll(/[^!-~]/g, one => {
    const code = one.charCodeAt(0)
    return code > 0xff ? encodeURIComponent(one.toWellFormed()) : `%${hexOf(code)}`
  })
}

function hexOf(code: number): string {
  return code.toString(16).toUpperCase().padStart(2, '0')
}

/** A key of ours, of a client or of a share. */
const KEY = /hf[cs]?_[\w-]{43}/
const KEYS = new RegExp(KEY, 'g')
const LINK = /(v2\/presigned\/)[\w.-]+/gi
const TOKEN_HEAD = /eyJ[\w-]/
const HINT = /hf[cs]?_|eyJ|presigned/i

/** The same for tokens. One pattern for all of it would read the rest again at each `eyJ`. */
function holdsToken(text: string): boolean {
  return text.split(/[^\w.-]/).some(run => {
    const parts = run.split('.')
    return parts.some((part, at) => {
      return TOKEN_HEAD.test(part) && Boolean(parts[at + 1]) && Boolean(parts[at + 2])
    })
  })
}
