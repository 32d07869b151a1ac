import type { JsonObject } from '@holdfast/core/records.ts'
import { S3Error } from '../errors.ts'
import { malformed } from '../xml/read.ts'
import { object, objects } from './kept-objects.ts'

const SIZE_MAX = 1_099_511_627_776_000

/**
 * What of a rule goes with what of its filter, in the words of AWS
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-filters.html).
 */
export function checkFilter(rule: JsonObject): void {
  const filter = object(rule.Filter)
  const all = { ...filter, ...object(filter.And) }
  const tags = [filter.Tag ?? [], object(filter.And).Tag ?? []].flat()
  const { ObjectSizeGreaterThan: above, ObjectSizeLessThan: below } = all
  for (const prefix of [rule.Prefix, filter.Prefix, object(filter.And).Prefix]) {
    if (Buffer.byteLength(textOf(prefix)) <= 1024) continue
    throw refused('The maximum size of a prefix is 1024')
  }
  for (const { Key: key, Value: value } of objects(tags)) {
    const { length } = textOf(key)
    if (length < 1 || length > 128) throw refused("A Tag's Key must be a length between 1 and 128")
    if (textOf(value).length <= 256) continue
    throw refused("A Tag's Value must be a length between 0 and 256")
  }
  if (filter.And !== undefined && predicatesOf(object(filter.And)) < 2) throw malformed()
  if (typeof below === 'number' && (below < 1 || below > SIZE_MAX)) {
    throw refused(`'ObjectSizeLessThan' should be between 1 and ${SIZE_MAX}.`)
  }
  if (typeof below === 'number' && typeof above === 'number' && below <= above) {
    throw refused("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
  }
  const isSized = above !== undefined || below !== undefined
  const marker = object(rule.Expiration).ExpiredObjectDeleteMarker
  for (const [name, action] of Object.entries({
    AbortIncompleteMultipartUpload: rule.AbortIncompleteMultipartUpload,
    ExpiredObjectDeleteMarker: marker,
  })) {
    if (action === undefined) continue
    if (tags.length > 0) throw refused(`${name} cannot be specified with Tags.`)
    if (isSized) throw refused(`${name} cannot be specified with Object Size.`)
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function predicatesOf({ Tag: tags, ...others }: JsonObject): number {
  return objects(tags).length + Object.keys(others).length
}

function refused(message: string): S3Error {
  return new S3Error('InvalidRequest', { message })
}
