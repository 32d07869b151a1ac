import { HoldfastError } from '@holdfast/core/errors.ts'
import { keyProblem } from '@holdfast/core/names.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { textFromBase64Url, textToBase64Url } from '../base64url.ts'
import type { Engine } from '../engine.ts'
import { openText, sealText } from '../identity/seal.ts'

export type ListOrder = 'newest' | 'key'

/** Where a page ended. Readable, but a promise only to this server. */
export function encodeCursor(order: ListOrder, last: Asset): string {
  const text = order === 'key' ? `k${last.key}` : `s${last.createdSeq}`
  return textToBase64Url(text)
}

const SEALED = 'h'

/** Whose list it is, and of what: elsewhere a sealed place would tell what lies around it. */
export interface Listing {
  readonly principal: Principal
  /** Undefined for all of them. */
  readonly bucketId: string | undefined
}

function purposeOf({ principal: { kind, id }, bucketId }: Listing): string {
  return `list-cursor ${JSON.stringify([kind, id, bucketId ?? null])}`
}

/** The same where the caller may not know of the key: only this store can read it. */
export function sealCursor(
  { settings, random }: Engine,
  order: ListOrder,
  { last, of }: { readonly last: Asset; readonly of: Listing },
): string {
  const how = { purpose: purposeOf(of), secret: settings.linkSecret }
  return textToBase64Url(SEALED + sealText(encodeCursor(order, last), how, random))
}

/** INVALID_CURSOR for anything that neither of them would give for this order and listing. */
export function openCursor(
  { settings }: Engine,
  order: ListOrder,
  { cursor, of }: { readonly cursor: string; readonly of: Listing },
): { readonly beforeSeq: number } | { readonly afterKey: string } {
  const text = cursorText(cursor)
  if (!text.startsWith(SEALED)) return decodeCursor(cursor, order)
  const how = { purpose: purposeOf(of), secret: settings.linkSecret }
  const opened = openText(text.slice(SEALED.length), how)
  if (opened === undefined) throw new HoldfastError('INVALID_CURSOR')
  return decodeCursor(opened, order)
}

/** INVALID_CURSOR for anything that `encodeCursor` would not give for this order. */
export function decodeCursor(
  cursor: string,
  order: ListOrder,
): { readonly beforeSeq: number } | { readonly afterKey: string } {
  const text = cursorText(cursor)
  const rest = text.slice(1)
  if (order === 'key' && text.startsWith('k') && keyProblem(rest) === undefined) {
    return { afterKey: rest }
  }
  if (order === 'newest' && /^s[1-9][0-9]{0,14}$/.test(text)) return { beforeSeq: Number(rest) }
  throw new HoldfastError('INVALID_CURSOR')
}

/** A sealed key of 1,024 bytes, encoded three times. */
const CURSOR_LENGTH_MAX = 2560

function cursorText(cursor: string): string {
  if (cursor.length > CURSOR_LENGTH_MAX) throw new HoldfastError('INVALID_CURSOR')
  const text = textFromBase64Url(cursor)
  if (text === undefined) throw new HoldfastError('INVALID_CURSOR')
  return text
}
