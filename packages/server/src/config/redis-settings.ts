import type { ReadSetting } from './setting.ts'
import { setting } from './setting.ts'
import { type Kind, oneOf, seconds, text } from './setting-kinds.ts'

/** Where a Redis is; with a password, so it is never shown. */
export interface RedisUrl {
  readonly at: { readonly socket: string } | { readonly host: string; readonly port: number }
  readonly tls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
}

const PROBLEM =
  'must look like redis://user:password@host:6379/0, rediss://… for TLS, or unix://localhost/path'

/** As the URI schemes of Redis have it (IANA provisional `redis`, `rediss`). */
const redisUrl: Kind<RedisUrl | undefined> = {
  type: 'address such as rediss://user:password@host:6379/0',
  parse: given => {
    const url = URL.parse(given)
    if (url === null || url.hash !== '') return { problem: PROBLEM }
    const at = placeOf(url)
    const isSocket = url.protocol === 'unix:'
    const db = isSocket ? (url.searchParams.get('db') ?? '') : url.pathname.replace(/^\//, '')
    const isPlain = url.search === '' || (isSocket && /^\?db=\d+$/.test(url.search))
    if (at === undefined || !isPlain || !/^\d{0,4}$/.test(db)) return { problem: PROBLEM }
    try {
      const username = decodeURIComponent(url.username) || undefined
      const password = decodeURIComponent(url.password) || undefined
      // AUTH with a name and without a password is none.
      if (username !== undefined && password === undefined) return { problem: PROBLEM }
      const tls = url.protocol === 'rediss:'
      return { value: { at, tls, username, password, db: Number(db) } }
    } catch {
      return { problem: PROBLEM }
    }
  },
}

function placeOf(url: URL): RedisUrl['at'] | undefined {
  if (url.protocol === 'unix:') {
    const socket = decodeURI(url.pathname)
    return /^(localhost)?$/.test(url.host) && socket.length > 1 ? { socket } : undefined
  }
  if (!['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') return undefined
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { host, port: url.port === '' ? 6379 : Number(url.port) }
}

/** Rows of the settings table about a Redis that processes share. */
export const redisSettings = {
  redisUrl: setting<RedisUrl | undefined>({
    name: 'REDIS_URL',
    kind: redisUrl,
    description:
      'Redis (6.2 or newer, Valkey) in which servers count together what callers do. Unset: each ' +
      'counts for itself.',
    standard: undefined,
    secret: true,
  }),
  redisPrefix: setting({
    name: 'REDIS_PREFIX',
    kind: text({ pattern: /^[\w:.-]{1,64}$/, hint: 'up to 64 letters, digits and : . _ -' }),
    description: 'Before every key there. Servers with the same one count together.',
    standard: 'holdfast:',
  }),
  redisTimeoutSeconds: setting({
    name: 'REDIS_TIMEOUT',
    kind: seconds(1, 60),
    description: 'How long one answer of Redis is waited for, before it counts as down.',
    standard: 1,
  }),
  limitsWithoutRedis: setting<'local' | 'refuse'>({
    name: 'LIMITS_WITHOUT_REDIS',
    kind: oneOf(['local', 'refuse']),
    description:
      'While Redis is down: each server counts for itself, or what has a limit is answered 503.',
    standard: 'local',
  }),
} as const

/** A row that is added above does not compile until it is read. */
export function readRedis(read: ReadSetting) {
  return {
    redisUrl: read(redisSettings.redisUrl),
    redisPrefix: read(redisSettings.redisPrefix),
    redisTimeoutSeconds: read(redisSettings.redisTimeoutSeconds),
    limitsWithoutRedis: read(redisSettings.limitsWithoutRedis),
  }
}
