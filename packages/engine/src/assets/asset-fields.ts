import { type FieldProblem, invalidFields } from '@holdfast/core/errors.ts'
import { isUuid } from '@holdfast/core/ids.ts'
import { bounds } from '@holdfast/core/limits.ts'
import {
  byteLength,
  contentTypeProblem,
  keyProblem,
  metadataProblems,
  nameProblem,
  serviceProblem,
  tagsProblems,
} from '@holdfast/core/names.ts'
import { type Acl, type AssetType, assetTypes, type JsonObject } from '@holdfast/core/records.ts'

/** What callers may say about an asset: checked by the same rules on every way in. */
export interface AssetFields {
  readonly key?: string | undefined
  readonly name?: string | undefined
  readonly service?: string | undefined
  readonly ownerId?: string | undefined
  readonly contentType?: string | undefined
  readonly type?: AssetType | undefined
  readonly tags?: readonly string[] | undefined
  readonly metadata?: JsonObject | undefined
  readonly acl?: Acl | null | undefined
  readonly createdBy?: string | undefined
  readonly description?: string | undefined
}

/** One VALIDATION_ERROR with every problem, in wire names. */
export function requireFields(fields: AssetFields): void {
  const problems: FieldProblem[] = []
  const check = (
    path: string,
    value: string | undefined,
    problemOf: (text: string) => string | undefined,
  ): void => {
    const problem = value === undefined ? undefined : problemOf(value)
    if (problem !== undefined) problems.push({ path, problem })
  }
  check('key', fields.key, keyProblem)
  check('name', fields.name, nameProblem)
  check('service', fields.service, serviceProblem)
  check('owner_id', fields.ownerId, ownerProblem)
  check('content_type', fields.contentType, contentTypeProblem)
  check('asset_type', fields.type, typeProblem)
  check('created_by', fields.createdBy, nameProblem)
  check('description', fields.description, descriptionProblem)
  if (fields.tags !== undefined) problems.push(...tagsProblems(fields.tags, 'tags'))
  if (fields.metadata !== undefined) {
    problems.push(...metadataProblems(fields.metadata, 'metadata'))
  }
  if (fields.acl) {
    problems.push(...principalProblems(fields.acl.read, 'acl.read'))
    problems.push(...principalProblems(fields.acl.write, 'acl.write'))
  }
  if (problems.length > 0) throw invalidFields(...problems)
}

/** With ids as all are kept, in lower case: a list with another case would let nobody in. */
export function withPlainIds<Fields extends Pick<AssetFields, 'acl'>>(fields: Fields): Fields {
  const { acl } = fields
  if (acl == null) return fields
  const plain = (ids: readonly string[]) => {
    return [...new Set(ids.map(id => (isUuid(id) ? id.toLowerCase() : id)))]
  }
  return { ...fields, acl: { read: plain(acl.read), write: plain(acl.write) } }
}

/** Free text of one version. */
export function descriptionProblem(text: string): string | undefined {
  if (byteLength(text) > bounds.descriptionBytesMax) {
    return `must be at most ${bounds.descriptionBytesMax} bytes of UTF-8`
  }
  if (!text.isWellFormed()) return 'must be valid Unicode'
  return text.includes('\0') ? 'must not contain NUL' : undefined
}

function ownerProblem(text: string): string | undefined {
  return isUuid(text) ? undefined : 'must be a UUID'
}

function typeProblem(text: string): string | undefined {
  const known: readonly string[] = assetTypes
  return known.includes(text) ? undefined : `must be one of ${assetTypes.join(', ')}`
}

function principalProblems(ids: readonly string[], path: string): FieldProblem[] {
  if (ids.length > bounds.aclEntriesMax) {
    return [{ path, problem: `at most ${bounds.aclEntriesMax} entries` }]
  }
  return ids.flatMap((id, index) => {
    const problem = serviceProblem(id)
    return problem === undefined ? [] : [{ path: `${path}[${index}]`, problem }]
  })
}
