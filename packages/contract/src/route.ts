import type { ErrorCode } from '@holdfast/core/errors.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import type { Static, TObject, TSchema } from 'typebox'

/** One operation of the interface, as data: the server serves it, OpenAPI and clients read it. */
export interface Route {
  readonly method: Method
  /** `{name}` is one segment; `{name+}` is the rest of the raw path, decoded once. */
  readonly path: string
  readonly tag: Tag
  /**
   * Asked of every caller. `open` needs no credential, or carries its own; `self` is about the
   * caller alone and needs any good credential.
   */
  readonly permission: Permission | 'open' | 'self'
  readonly summary: string
  readonly description?: string
  readonly params?: TObject
  readonly query?: TObject
  /** Request headers with a meaning of their own, by lower-case name. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Body
  readonly answer: Answer
  /** A GET that begins or ends something: there is no HEAD of it, which must do nothing. */
  readonly getOnly?: true
  /** Further answers that are no errors. */
  readonly also?: readonly Answer[]
  /** Codes beyond those that any route of its kind can answer. */
  readonly errors?: readonly ErrorCode[]
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'

export const tagTexts = {
  Service: 'What runs here and how it is.',
  Assets: 'Put, get, list, change and remove assets.',
  'Assets by key': 'The same, addressed by bucket and key; bodies are raw bytes of any size.',
  Versions: 'Every changed content is kept as a version.',
  Links: 'Relations between assets.',
  'Presigned links': 'Addresses that carry their own permission for a while.',
  'Share links': 'Links for people: they expire, are counted, and can be revoked.',
  Buckets: 'Containers with settings.',
  Quotas: 'Ceilings for buckets, owners and services.',
  'API keys': 'Credentials of programs.',
  'S3 access keys': 'Credentials of the S3 door.',
  Access: 'Groups, grants on parts of buckets, and why something is allowed.',
  Audit: 'Who did what, in a log that shows when somebody changed it.',
  Login: 'Sessions of people: tokens and the keys that sign them.',
  'Service accounts': 'Programs that act for themselves, with secrets that change.',
  Users: 'People who may log in, and what they may.',
  Administration: 'Care of the store.',
} as const
export type Tag = keyof typeof tagTexts

export type Body =
  | {
      readonly kind: 'json'
      readonly schema: TSchema
      readonly optional?: boolean
      /** The same fields may come as `application/x-www-form-urlencoded`. */
      readonly alsoForm?: boolean
    }
  | FormBody
  | { readonly kind: 'form-or-json'; readonly form: FormBody; readonly schema: TSchema }
  | { readonly kind: 'bytes' }

export interface FormBody {
  readonly kind: 'form'
  readonly fields: TSchema
  readonly files: 'one' | 'optional' | 'many'
  /** Where a JSON field carries all others (`request` of a batch). */
  readonly field?: string
}

export interface Answer {
  readonly status: number
  readonly description: string
  readonly schema?: TSchema
  /** Media type where the answer is no JSON. */
  readonly media?: string
  readonly headers?: Readonly<Record<string, string>>
}

export function route<const R extends Route>(definition: R): R {
  return definition
}

export type ParamsOf<R extends Route> = R['params'] extends TObject
  ? Static<R['params']>
  : Record<never, never>
export type QueryOf<R extends Route> = R['query'] extends TObject
  ? Static<R['query']>
  : Record<never, never>
export type BodyOf<R extends Route> = R['body'] extends { schema: infer Schema extends TSchema }
  ? R['body'] extends { optional: true }
    ? Static<Schema> | undefined
    : Static<Schema>
  : undefined
export type AnswerOf<R extends Route> = R['answer'] extends { schema: infer Schema extends TSchema }
  ? Static<Schema>
  : undefined
