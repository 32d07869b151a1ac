import type { ObjectTag } from '@holdfast/core/objects.ts'
import { invalidArgument, S3Error, type S3Facts } from '../errors.ts'
import {
  childOf,
  childrenOf,
  readXml,
  requiredText,
  requireOnly,
  type XmlElement,
} from '../xml/read.ts'
import { writeXml, type XmlNode } from '../xml/write.ts'
import { uriDecode, utf8Text } from './uri.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */
export const objectTagsMax = 10
export const bucketTagsMax = 50
const KEY_CHARS_MAX = 128
const VALUE_CHARS_MAX = 256
/** Letters, digits and spaces of any script, and `+ - = . _ : / @`. */
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

export function readTagging(bytes: Uint8Array, tagsMax: number): ObjectTag[] {
  const root = readXml(bytes, 'Tagging')
  requireOnly(root, 'TagSet')
  const set = childOf(root, 'TagSet')
  // As at AWS: it says that there are none.
  return set === undefined ? [] : tagsIn(set, tagsMax)
}

/** The `Tag` elements of a set. */
export function tagsIn(set: XmlElement, tagsMax: number): ObjectTag[] {
  requireOnly(set, 'Tag')
  const tags = childrenOf(set, 'Tag').map(tag => {
    requireOnly(tag, 'Key', 'Value')
    return { key: requiredText(tag, 'Key'), value: requiredText(tag, 'Value') }
  })
  return checkedTags(tags, tagsMax)
}

/** `x-amz-tagging`: `a=1&b=2`, encoded as a query; what is empty between two `&` says nothing. */
export function parseTagHeader(text: string): ObjectTag[] {
  const pairs = text.split('&').filter(pair => pair !== '')
  const tags = pairs.map(pair => {
    const equals = pair.indexOf('=')
    const key = decoded(equals < 0 ? pair : pair.slice(0, equals))
    const value = decoded(equals < 0 ? '' : pair.slice(equals + 1))
    const unclear = pair.includes('=', equals + 1) && equals >= 0
    if (key === undefined || key === '' || value === undefined || unclear) {
      throw unreadableTags(text)
    }
    return { key, value }
  })
  if (new Set(tags.map(tag => tag.key)).size !== tags.length) throw unreadableTags(text)
  // As AWS and Ceph list what came in a header; the document's own order is kept.
  return checkedTags(tags, objectTagsMax).sort((one, other) => (one.key < other.key ? -1 : 1))
}

/** The header has a code of its own for what the document has InvalidTag for. */
function unreadableTags(text: string): S3Error {
  const message =
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters " +
    'without tag name duplicates.'
  return invalidArgument('x-amz-tagging', text, message)
}

function decoded(text: string): string | undefined {
  const bytes = uriDecode(text, { plus: true })
  return bytes === undefined ? undefined : utf8Text(bytes)
}

function checkedTags(tags: ObjectTag[], tagsMax: number): ObjectTag[] {
  if (tags.length > tagsMax) {
    const what = tagsMax === objectTagsMax ? 'Object tags' : 'Bucket tag count'
    throw invalidTag(`${what} cannot be greater than ${tagsMax}`)
  }
  for (const { key, value } of tags) {
    if (/^aws:/i.test(key)) throw invalidTag(systemTag(tagsMax), { TagKey: key })
    if (key === '' || key.length > KEY_CHARS_MAX || !ALLOWED.test(key)) {
      throw invalidTag('The TagKey you have provided is invalid', { TagKey: key })
    }
    if (value.length > VALUE_CHARS_MAX || !ALLOWED.test(value)) {
      const TagValue = value.slice(0, 1024)
      throw invalidTag('The TagValue you have provided is invalid', { TagKey: key, TagValue })
    }
  }
  const keys = tags.map(tag => tag.key)
  const twice = keys.find((key, at) => keys.indexOf(key) !== at)
  if (twice === undefined) return tags
  throw invalidTag('Cannot provide multiple Tags with the same key', { TagKey: twice })
}

function systemTag(tagsMax: number): string {
  return tagsMax === objectTagsMax
    ? 'Your TagKey cannot be prefixed with aws:'
    : 'System tags cannot be added/updated by requester'
}

function invalidTag(message: string, { TagKey, ...others }: S3Facts = {}): S3Error {
  return new S3Error('InvalidTag', { message, TagKey: TagKey?.slice(0, 1024), ...others })
}

export function writeTagging(tags: readonly ObjectTag[]): string {
  const nodes = tags.map(
    ({ key, value }): XmlNode => [
      'Tag',
      [
        ['Key', key],
        ['Value', value],
      ],
    ],
  )
  return writeXml('Tagging', [['TagSet', nodes]])
}
