import type { Rate } from '@holdfast/core/rates/rate-table.ts'
import { bytes, integer, type Kind, seconds } from './setting-kinds.ts'

/** `COUNT/TIME`, such as `600/1m`: so many at once, and as many again over that time. */
const rate: Kind<Rate | undefined> = {
  type: 'count/time such as 600/1m, or off',
  parse: text => {
    if (/^(off|0)$/i.test(text)) return { value: undefined }
    const problem = 'must look like 600/1m, or be off'
    const [, count = '', time = ''] = /^(\d{1,9}) ?\/ ?(\d.*|[a-z]+)$/i.exec(text) ?? []
    const quota = Number(count)
    const parsed = seconds(1, 86_400).parse(/^\d/.test(time) ? time : `1${time}`)
    if (quota < 1 || !('value' in parsed)) return { problem }
    return { value: { quota, windowMs: parsed.value * 1000 } }
  },
  show: value => (value === undefined ? 'off' : `${value.quota}/${value.windowMs / 1000}s`),
}
/** All accounts have the same window, so that a limit can change and nothing begins anew. */
const perMinute: Kind<number> = {
  type: 'count/1m such as 100/1m, or off',
  parse: text => {
    const parsed = rate.parse(text)
    const { quota, windowMs } = ('value' in parsed && parsed.value) || {
      quota: 0,
      windowMs: 60_000,
    }
    const isGood = 'value' in parsed && windowMs === 60_000 && quota <= 1_000_000
    return isGood ? { value: quota } : { problem: 'must look like 100/1m, a minute, or be off' }
  },
  show: value => (value === 0 ? 'off' : `${value}/60s`),
}
const places: Kind<number> = { ...integer(0, 1_000_000), type: 'integer; 0 for no limit' }

const MiB = 1024 ** 2
const TiB = 1024 ** 4
/** The longest document of S3 has to have a place. */
const DOCUMENT_BYTES = 4 * MiB

const minutes = (quota: number, count: number): Rate => ({ quota, windowMs: count * 60_000 })

/** Rows of the settings table about limits on callers. */
export const limitSettings = {
  addressRate: {
    name: 'RATE_LIMIT_ADDRESS',
    kind: rate,
    description: 'Requests of one address (IPv6: of one /64).',
    standard: undefined as Rate | undefined,
  },
  principalRate: {
    name: 'RATE_LIMIT_PRINCIPAL',
    kind: rate,
    description: 'Requests of one user, key or issuer of links.',
    standard: undefined as Rate | undefined,
  },
  accountRequestsPerMinute: {
    name: 'RATE_LIMIT_ACCOUNT',
    kind: perMinute,
    description: 'Requests of a service account whose `rate_limit` is null.',
    standard: 100,
  },
  bucketRate: {
    name: 'RATE_LIMIT_BUCKET',
    kind: rate,
    description: 'Requests for the assets of one bucket.',
    standard: undefined as Rate | undefined,
  },
  loginRate: {
    name: 'RATE_LIMIT_LOGIN',
    kind: rate,
    description:
      'Failed logins, and other wrong guesses at what people remember, of an address; as many ' +
      'refreshes of a session, and at least 30 in 10 minutes.',
    standard: minutes(30, 10) as Rate | undefined,
  },
  credentialRate: {
    name: 'RATE_LIMIT_CREDENTIALS',
    kind: rate,
    description:
      'Wrong keys, tokens and signatures of one address; beyond it only credentials that were ' +
      'good before are looked at.',
    standard: minutes(100, 1) as Rate | undefined,
  },
  refusalRate: {
    name: 'RATE_LIMIT_AUDIT',
    kind: rate,
    description:
      'Refusals of one address with an audit row each, and as many visits by share link; more ' +
      'are counted in one row.',
    standard: minutes(300, 10) as Rate | undefined,
  },
  addressPlaces: {
    name: 'CONCURRENCY_LIMIT_ADDRESS',
    kind: places,
    description: 'Requests of one address at work at once.',
    standard: 0,
  },
  principalPlaces: {
    name: 'CONCURRENCY_LIMIT_PRINCIPAL',
    kind: places,
    description: 'Requests of one user, key or issuer of links at work at once.',
    standard: 0,
  },
  bucketPlaces: {
    name: 'CONCURRENCY_LIMIT_BUCKET',
    kind: places,
    description: 'Requests for the assets of one bucket at work at once.',
    standard: 0,
  },
  answerBytesMax: {
    name: 'MEMORY_LIMIT_ANSWERS',
    kind: bytes(MiB, TiB),
    description:
      'Memory for lists and other answers above 1 MiB that nobody has taken yet; as much again ' +
      'for who waits for no other one.',
    standard: 256 * MiB,
  },
  ownAnswerBytesMax: {
    name: 'MEMORY_LIMIT_ANSWERS_CALLER',
    kind: bytes(MiB, TiB),
    description: 'Of that, what one caller may have; a single answer is always sent.',
    standard: 64 * MiB,
  },
  documentBytesMax: {
    name: 'MEMORY_LIMIT_DOCUMENTS',
    kind: bytes(DOCUMENT_BYTES, TiB),
    description: 'Memory for documents of S3 and JSON above 16 KiB that are still arriving.',
    standard: 128 * MiB,
  },
  ownDocumentBytesMax: {
    name: 'MEMORY_LIMIT_DOCUMENTS_CALLER',
    kind: bytes(DOCUMENT_BYTES, TiB),
    description: 'Of that, what one caller may have; all who show no key are one.',
    standard: 32 * MiB,
  },
} as const

type Row<T> = { readonly kind: Kind<T>; readonly standard: T }
type LimitRows = typeof limitSettings

export type LimitSettings = {
  readonly [Name in keyof LimitRows]: LimitRows[Name] extends Row<infer Value> ? Value : never
}

type Read = <T>(row: {
  readonly name: string
  readonly kind: Kind<T>
  readonly standard: T
  readonly description: string
}) => T

/** A row that is added above does not compile until it is read. */
export function readLimits(read: Read): LimitSettings {
  return {
    addressRate: read(limitSettings.addressRate),
    principalRate: read(limitSettings.principalRate),
    accountRequestsPerMinute: read(limitSettings.accountRequestsPerMinute),
    bucketRate: read(limitSettings.bucketRate),
    loginRate: read(limitSettings.loginRate),
    credentialRate: read(limitSettings.credentialRate),
    refusalRate: read(limitSettings.refusalRate),
    addressPlaces: read(limitSettings.addressPlaces),
    principalPlaces: read(limitSettings.principalPlaces),
    bucketPlaces: read(limitSettings.bucketPlaces),
    answerBytesMax: read(limitSettings.answerBytesMax),
    ownAnswerBytesMax: read(limitSettings.ownAnswerBytesMax),
    documentBytesMax: read(limitSettings.documentBytesMax),
    ownDocumentBytesMax: read(limitSettings.ownDocumentBytesMax),
  }
}
