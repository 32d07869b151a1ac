import { HoldfastError } from '@holdfast/core/errors.ts'
import { contentTypeAllowed, mediaType } from '@holdfast/core/names.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import { activeContentOf, hasSignature, looksLikeText, recognise } from './recognise.ts'

export interface ResolvedType {
  readonly contentType: string
  /** The caller said so; false when it was recognised or assumed. */
  readonly declared: boolean
}

const UNKNOWN = 'application/octet-stream'

/**
 * The type to keep: the declared one when the bytes do not contradict it, else what the bytes give
 * away, else `otherwise`. CONTENT_TYPE_MISMATCH when image, sound, film, font, document or text
 * bytes are something that a reader must not meet under that name. Nothing is asked of empty
 * content.
 */
export async function resolveType(
  declared: string | undefined,
  head: Uint8Array,
  otherwise: string = UNKNOWN,
): Promise<ResolvedType> {
  if (declared === undefined || isUndeclared(declared)) {
    const recognised = await recognise(head)
    const assumed = hasSignature(otherwise, head) === false ? UNKNOWN : otherwise
    return { contentType: recognised ?? assumed, declared: false }
  }
  if (head.length > 0) await requireAgreement(declared, head)
  return { contentType: declared, declared: true }
}

/**
 * CONTENT_TYPE_MISMATCH when a bucket with rules gets bytes that are surely of a type it does not
 * take, under the name of one that it takes.
 */
export async function requireAllowedBytes(
  { settings }: Bucket,
  declared: string,
  head: Uint8Array,
): Promise<void> {
  if (settings.contentTypes.length === 0) return
  const executable = activeContentOf(head) === 'executable'
  const recognised = await recognise(head)
  if (recognised !== undefined && contentTypeAllowed(recognised, settings.contentTypes)) return
  if (executable && !EXECUTABLE.test(declared)) throw mismatch(declared, recognised ?? 'executable')
  const type = mediaType(declared) ?? UNKNOWN
  if (recognised !== undefined && contradicts(familyOf(type), recognised)) {
    throw mismatch(declared, recognised)
  }
}

/** Whether the type says no more than "bytes": then it is recognised after they arrived. */
export function isUndeclared(contentType: string): boolean {
  const type = mediaType(contentType)
  return type === UNKNOWN || type === 'binary/octet-stream'
}

async function requireAgreement(declared: string, head: Uint8Array): Promise<void> {
  const type = mediaType(declared) ?? UNKNOWN
  const family = familyOf(type)
  if (family === 'other') return
  if (family === 'text') return requireText(declared, head)
  const active = activeContentOf(head)
  if (active !== undefined && !mayBe(family, active)) throw mismatch(declared, active)
  const signed = hasSignature(type, head)
  if (signed === true || family === 'document') return
  const recognised = await recognise(head)
  if (signed === false) throw mismatch(declared, recognised ?? 'unknown')
  if (recognised !== undefined && contradicts(family, recognised)) {
    throw mismatch(declared, recognised)
  }
}

/** Text may hold anything that can be read, markup and scripts too; recognised binaries never. */
async function requireText(declared: string, head: Uint8Array): Promise<void> {
  const recognised = await recognise(head)
  const binary = activeContentOf(head) === 'executable' ? 'executable' : recognised
  if (binary === undefined || TEXT.test(binary)) return
  if (binary === 'application/pdf' || !looksLikeText(head)) throw mismatch(declared, binary)
}

type Family = 'text' | 'image' | 'sound' | 'font' | 'pdf' | 'document' | 'other'

/** Sound and film are one family: their containers are the same. */
function familyOf(type: string): Family {
  if (type === 'image/svg+xml') return 'document'
  if (TEXT.test(type)) return 'text'
  if (type.startsWith('image/')) return 'image'
  if (type.startsWith('audio/') || type.startsWith('video/')) return 'sound'
  if (type.startsWith('font/')) return 'font'
  if (type === 'application/pdf') return 'pdf'
  return OFFICE.test(type) ? 'document' : 'other'
}

const TEXT = /^(?:text\/.+|application\/(?:json|xml|.+\+(?:json|xml)))$/

const EXECUTABLE =
  /^application\/(?:x-(?:elf|executable|sharedlib|mach-binary|msdownload|dosexec)|vnd\.microsoft\.portable-executable)/i

const OFFICE =
  /^application\/(?:msword|vnd\.openxmlformats-officedocument\.|vnd\.oasis\.opendocument\.|vnd\.ms-(?:excel|word|powerpoint))/

/** Office programs save web pages under their own types; an SVG may begin like a page. */
function mayBe(family: Family, active: 'executable' | 'script' | 'html'): boolean {
  return family === 'document' && active !== 'executable'
}

/** Only families that are told apart for sure: raw camera formats, archives and text are not. */
function contradicts(family: Family, recognised: string): boolean {
  const found = familyOf(recognised)
  if (found === 'other' || found === 'document' || found === 'text') return false
  if (found === family) return false
  // Still pictures and films share the ISO base media container (ISO/IEC 14496-12).
  return !(family === 'image' && found === 'sound')
}

function mismatch(declared: string, recognised: string): HoldfastError {
  return new HoldfastError('CONTENT_TYPE_MISMATCH', { declared, recognised })
}
