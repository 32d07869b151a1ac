import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Engine } from '../engine.ts'
import type { StoredObject } from './object-views.ts'

export interface ListObjectsQuery {
  readonly bucket: string
  readonly prefix?: string | undefined
  readonly delimiter?: string | undefined
  /** Keys and common prefixes after this one, in UTF-8 byte order. */
  readonly after?: string | undefined
  /** 0 to 1000. */
  readonly limit: number
}

export interface ObjectList {
  readonly objects: readonly StoredObject[]
  readonly prefixes: readonly string[]
  /** The last key or common prefix of the page, to be passed as `after`; absent on the last page. */
  readonly next?: string
}

export async function listObjects(
  _engine: Engine,
  _call: Call,
  _query: ListObjectsQuery,
): Promise<ObjectList> {
  throw new HoldfastError('INTERNAL')
}

export interface ListVersionsQuery extends Omit<ListObjectsQuery, 'after'> {
  readonly keyMarker?: string | undefined
  /** As S3 clients see it; needs `keyMarker`. VALIDATION_ERROR when it is no id. */
  readonly versionIdMarker?: string | undefined
}

export interface ListedVersion extends StoredObject {
  readonly isLatest: boolean
  readonly isMarker: boolean
}

export interface VersionList {
  readonly versions: readonly ListedVersion[]
  readonly prefixes: readonly string[]
  /** For the next page; absent on the last. `versionId` is absent after a common prefix. */
  readonly next?: { readonly key: string; readonly versionId?: string }
}

/** Keys in UTF-8 byte order, of each the newest version first. */
export async function listObjectVersions(
  _engine: Engine,
  _call: Call,
  _query: ListVersionsQuery,
): Promise<VersionList> {
  throw new HoldfastError('INTERNAL')
}
