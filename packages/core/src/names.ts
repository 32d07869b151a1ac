import type { FieldProblem } from './errors.ts'
import { bounds } from './limits.ts'
import type { AssetType, Json, JsonObject } from './records.ts'

/**
 * What names may look like. Names are data and never become paths. Every check returns a sentence
 * that says what is wrong, or undefined.
 */

export function byteLength(text: string): number {
  let bytes = 0
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800) bytes += 2
    else if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length) {
      bytes += 4
      i += 1
    } else bytes += 3
  }
  return bytes
}

/** Lone surrogates have no UTF-8 form: two different ones would become the same stored name. */
function malformed(text: string): boolean {
  return !text.isWellFormed()
}

function textProblem(text: string, bytesMax: number): string | undefined {
  if (text.length === 0) return 'must not be empty'
  if (text.length > bytesMax || byteLength(text) > bytesMax) {
    return `must be at most ${bytesMax} bytes of UTF-8`
  }
  if (malformed(text)) return 'must be valid Unicode'
  return undefined
}

/** Keys take any Unicode but NUL, exactly as given: no normalisation, no path meaning. */
export function keyProblem(key: string): string | undefined {
  const problem = textProblem(key, bounds.keyBytesMax)
  if (problem !== undefined) return problem
  return key.includes('\0') ? 'must not contain NUL' : undefined
}

/** Names are shown to people and sent in headers: no control characters. */
export function nameProblem(name: string): string | undefined {
  return textProblem(name, bounds.nameBytesMax) ?? controlProblem(name)
}

export function serviceProblem(service: string): string | undefined {
  return textProblem(service, bounds.serviceBytesMax) ?? controlProblem(service)
}

function controlProblem(text: string): string | undefined {
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return 'must not contain control characters'
  }
  return undefined
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const RESERVED = /^(xn--|sthree-)|(-s3alias|--ol-s3|--x-s3|--table-s3|\.mrap)$/
const ADDRESS = /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/

/** The rules for general purpose buckets of S3, so that every door can name every bucket. */
export function bucketNameProblem(name: string): string | undefined {
  if (!BUCKET.test(name)) {
    return 'needs 3 to 63 lower-case letters, digits, dots, hyphens, a letter or digit at its ends'
  }
  if (name.includes('..') || name.includes('.-') || name.includes('-.')) {
    return 'must not have a dot beside a dot or hyphen'
  }
  if (ADDRESS.test(name)) return 'must not look like an IP address'
  if (RESERVED.test(name)) return 'uses a reserved prefix or suffix'
  return undefined
}

export function tagsProblems(tags: readonly string[], path: string): FieldProblem[] {
  if (tags.length > bounds.tagsMax) return [{ path, problem: `at most ${bounds.tagsMax} tags` }]
  const problems: FieldProblem[] = []
  for (const [index, tag] of tags.entries()) {
    const problem = textProblem(tag, bounds.tagBytesMax) ?? controlProblem(tag)
    if (problem !== undefined) problems.push({ path: `${path}[${index}]`, problem })
  }
  return problems
}

const DANGEROUS = new Set(['__proto__', 'constructor', 'prototype'])

/** Bounds depth, key count, key names and the JSON size of metadata. */
export function metadataProblems(metadata: JsonObject, path: string): FieldProblem[] {
  const problems: FieldProblem[] = []
  let keys = 0
  const walk = (value: Json, at: string, depth: number): void => {
    if (problems.length >= 20) return
    if (typeof value === 'string' && malformed(value)) {
      problems.push({ path: at, problem: 'must be valid Unicode' })
    }
    if (typeof value !== 'object' || value === null) return
    if (depth > bounds.metadataDepthMax) {
      problems.push({ path: at, problem: `nested deeper than ${bounds.metadataDepthMax}` })
      return
    }
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) walk(item, `${at}[${index}]`, depth + 1)
      return
    }
    for (const [key, item] of Object.entries(value)) {
      keys += 1
      const problem = DANGEROUS.has(key)
        ? 'is a reserved key'
        : (textProblem(key, bounds.metadataKeyBytesMax) ?? controlProblem(key))
      if (problem !== undefined) problems.push({ path: `${at}.${key.slice(0, 64)}`, problem })
      walk(item, `${at}.${key.slice(0, 64)}`, depth + 1)
    }
  }
  walk(metadata, path, 1)
  if (keys > bounds.metadataKeysMax) {
    problems.push({ path, problem: `more than ${bounds.metadataKeysMax} keys` })
  }
  if (problems.length === 0 && byteLength(JSON.stringify(metadata)) > bounds.metadataBytesMax) {
    problems.push({ path, problem: `larger than ${bounds.metadataBytesMax} bytes of JSON` })
  }
  return problems
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+\/[!#$%&'*+.^_`|~0-9a-z-]+$/

/** The `type/subtype` part in lower case, or undefined when it is not one (RFC 9110 §8.3.1). */
export function mediaType(contentType: string): string | undefined {
  const bare = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
  return TOKEN.test(bare) ? bare : undefined
}

export function contentTypeProblem(contentType: string): string | undefined {
  if (contentType.length > bounds.contentTypeBytesMax) {
    return `must be at most ${bounds.contentTypeBytesMax} bytes`
  }
  for (let i = 0; i < contentType.length; i += 1) {
    const unit = contentType.charCodeAt(i)
    if (unit < 0x20 || unit > 0x7e) return 'must be printable ASCII'
  }
  return mediaType(contentType) === undefined ? 'must look like type/subtype' : undefined
}

/** Whether `image/png` fits one of `image/png`, `image/*`, `*`; no patterns allow all. */
export function contentTypeAllowed(contentType: string, patterns: readonly string[]): boolean {
  if (patterns.length === 0) return true
  const type = mediaType(contentType)
  if (type === undefined) return false
  return patterns.some(
    pattern =>
      pattern === type ||
      pattern === '*' ||
      pattern === '*/*' ||
      (pattern.endsWith('/*') && type.startsWith(pattern.slice(0, -1))),
  )
}

const ARCHIVES = new Set([
  'application/zip',
  'application/gzip',
  'application/x-gzip',
  'application/x-tar',
  'application/zstd',
  'application/x-7z-compressed',
  'application/x-bzip2',
  'application/x-xz',
  'application/vnd.rar',
])
const DOCUMENTS = new Set([
  'application/pdf',
  'application/msword',
  'application/rtf',
  'application/json',
  'application/xml',
])

/** The asset type that a content type stands for, when the caller names none. */
export function assetTypeOf(contentType: string): AssetType {
  const type = mediaType(contentType) ?? 'application/octet-stream'
  if (type.startsWith('image/')) return 'image'
  if (type.startsWith('audio/')) return 'audio'
  if (type.startsWith('video/')) return 'video'
  if (ARCHIVES.has(type)) return 'archive'
  if (type.startsWith('text/') || DOCUMENTS.has(type)) return 'document'
  if (type.startsWith('application/vnd.')) return 'document'
  return 'binary'
}
