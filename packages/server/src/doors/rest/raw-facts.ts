import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import { isUuid } from '@holdfast/core/ids.ts'
import { mediaType } from '@holdfast/core/names.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { parseJson } from '../../http/body/read-json.ts'
import { expectedDigests } from '../../http/content/digest-headers.ts'
import type { Scope } from '../../http/exchange.ts'

const METADATA_CHARS_MAX = 8192

/** What the headers of a raw body say about it. */
export function rawFacts({ request, bytes }: Scope) {
  const { headers } = request
  return {
    length: bytes.length,
    expected: expectedDigests(headers),
    contentType: declaredType(headers['content-type']),
    metadata: metadataHeader(headers['x-metadata']),
  }
}

/** Programs such as curl say so of any body unless told otherwise: it means nothing. */
export function declaredType(header: string | undefined): string | undefined {
  const type = header === undefined ? undefined : mediaType(header)
  return type === 'application/x-www-form-urlencoded' ? undefined : header
}

function metadataHeader(header: string | string[] | undefined): JsonObject | undefined {
  if (header === undefined) return undefined
  if (Array.isArray(header) || header.length > METADATA_CHARS_MAX) {
    throw invalidFields({ path: 'x-metadata', problem: `at most ${METADATA_CHARS_MAX} bytes` })
  }
  // Node reads headers as Latin-1; JSON is UTF-8.
  const value = parsed(Buffer.from(header, 'latin1'))
  if (isObject(value)) return value
  throw invalidFields({ path: 'x-metadata', problem: 'must be a JSON object' })
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes)
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'INVALID_JSON') throw error
    return undefined
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const NOBODY = '00000000-0000-0000-0000-000000000000'

/** Whose a new asset is when the caller names nobody: the caller's, if it has such an id. */
export function ownerOf(principal: Principal, named: string | undefined): string {
  return named ?? (isUuid(principal.id) ? principal.id : NOBODY)
}
