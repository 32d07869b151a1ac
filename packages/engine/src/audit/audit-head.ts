import { type AuditLink, firstAuditLink } from '@holdfast/core/identities.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Element } from '@holdfast/core/ports/element.ts'
import { type AuditKey, type AuditKeys, checkSeal, sealOf } from './audit-keys.ts'

const HEAD_NOTE = 'audit-head'
/** What is written has some 200. */
const HEAD_BYTES_MAX = 1024

/** How far the log reached, as it lies beside the packs. */
export interface SealedHead extends AuditLink {
  readonly seal: string
}

export async function writeHead(element: Element, link: AuditLink, key: AuditKey): Promise<void> {
  const { seq, hash } = link
  const head: SealedHead = { seq, hash, seal: sealOf('head', link, key) }
  await element.writeNote(HEAD_NOTE, JSON.stringify(head))
}

/** What this store cannot have written is a head without a seal, whatever its size and text. */
export async function readHead(element: Element): Promise<SealedHead | undefined> {
  const text = await element.readNote(HEAD_NOTE, { bytesMax: HEAD_BYTES_MAX + 1 })
  return text === undefined ? undefined : (parseHead(text) ?? { seq: 0, hash: '', seal: '' })
}

function parseHead(text: string): SealedHead | undefined {
  if (Buffer.byteLength(text) > HEAD_BYTES_MAX) return undefined
  try {
    const { seq, hash, seal } = JSON.parse(text)
    const isHead = Number.isSafeInteger(seq) && seq >= 0 && HASH.test(hash) && SEAL.test(seal)
    return isHead ? { seq, hash: `${hash}`, seal: `${seal}` } : undefined
  } catch {
    return undefined
  }
}

const HASH = /^[0-9a-f]{64}$/
const SEAL = /^[0-9a-f]{16}:[\w-]{43}$/

/**
 * Seals that the log of a new store is empty. To be done before anything is written there: from
 * then on, a head that is missing was taken away.
 */
export async function beginHead(
  { catalog, element }: { readonly catalog: Catalog; readonly element: Element },
  key: AuditKey,
): Promise<void> {
  const { audits, changes } = catalog.view
  const isNew = (await changes.latest()) === 0 && (await audits.end()).seq === 0
  if (!isNew || (await element.readNote(HEAD_NOTE, { bytesMax: 1 })) !== undefined) return
  await writeHead(element, { seq: 0, hash: firstAuditLink }, key)
}

/** Whether the note is one of ours, whatever the log says. */
export function headSealProblems(
  head: SealedHead | undefined,
  { ring }: AuditKeys,
): { readonly problems: string[]; readonly unproven: string[] } {
  if (head === undefined) {
    return { problems: ['the head on the element is missing'], unproven: [] }
  }
  if (head.seal === '') {
    return { problems: ['the head on the element was changed: it is unreadable'], unproven: [] }
  }
  const found = checkSeal('head', head, ring)
  if (found.is === 'bad') {
    return { problems: ['the head on the element was changed'], unproven: [] }
  }
  if (found.is === 'good') return { problems: [], unproven: [] }
  const unproven = [`the head is sealed with the key ${found.id}, which is not here`]
  return { problems: [], unproven }
}
