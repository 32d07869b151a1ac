import type { ExpectedDigests } from '@holdfast/core/digests.ts'
import type { Acl, AssetType, JsonObject } from '@holdfast/core/records.ts'
import type { Action } from '../../access/actions.ts'
import type { Engine } from '../../engine.ts'
import { requireFields, withPlainIds } from '../asset-fields.ts'
import { defaultKey, nameOfKey } from './default-key.ts'

/** Everything about a put but its bytes. */
export interface PutFields {
  readonly bucket: string
  /** Of a link, which is for this bucket alone: LINK_INVALID where another has its name. */
  readonly bucketId?: string | undefined
  /** Absent: a new default key. */
  readonly key?: string | undefined
  /** Absent: the last part of the key for a new asset, the present name for an existing one. */
  readonly name?: string | undefined
  /** Service and owner of a new asset; an existing one keeps its own. */
  readonly service: string
  readonly ownerId: string
  readonly contentType?: string | undefined
  readonly type?: AssetType | undefined
  readonly tags?: readonly string[] | undefined
  readonly metadata?: JsonObject | undefined
  readonly acl?: Acl | null | undefined
  /** Length that the sender announces, for refusals before the body is read. */
  readonly length?: number | undefined
  readonly expected?: ExpectedDigests | undefined
  readonly createdBy?: string | undefined
  readonly mode: 'create' | 'replace'
  /** SHA-256 values, or `*`. */
  readonly ifMatch?: readonly string[] | undefined
  readonly ifNoneMatch?: readonly string[] | '*' | undefined
  readonly sizeMax?: number | undefined
  readonly md5?: boolean | undefined
  readonly description?: string | undefined
  /** What else than putting it does in words of policies; absent: what tags and list say. */
  readonly actions?: readonly Action[] | undefined
}

/** What else than putting a put does in words of policies, as the headers of S3 do. */
export function actionsOf({ tags, acl }: Pick<PutFields, 'tags' | 'acl'>): Action[] {
  return [
    ...(tags === undefined ? [] : (['s3:PutObjectTagging'] as const)),
    ...(acl === undefined ? [] : (['s3:PutObjectAcl'] as const)),
  ]
}

export interface CheckedPut {
  readonly fields: PutFields
  readonly key: string
  /** What a new asset is called when the caller says nothing. */
  readonly newName: string
  /** Whose a new asset is was decided before: where one gets this key, or an upload ends. */
  readonly isOwnerSettled?: boolean | undefined
}

/** VALIDATION_ERROR naming every wrong field. */
export function checkedPut(engine: Engine, input: PutFields): CheckedPut {
  requireFields(input)
  const ownerId = input.ownerId.toLowerCase()
  const fields = withPlainIds(ownerId === input.ownerId ? input : { ...input, ownerId })
  const { service } = fields
  const key = fields.key ?? defaultKey(engine, { service, ownerId, name: fields.name ?? 'unnamed' })
  return { fields, key, newName: fields.name ?? shownName(key) }
}

/** Keys may hold control characters, names may not. */
function shownName(key: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return nameOfKey(key).replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '_')
}
