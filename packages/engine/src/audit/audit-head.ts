import { type AuditLink, firstAuditLink } from '@holdfast/core/identities.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Element } from '@holdfast/core/ports/element.ts'
import { type AuditKey, type AuditKeys, checkSeal, sealOf } from './audit-keys.ts'

const HEAD_NOTE = 'audit-head'

/** How far the log reached, as it lies beside the packs. */
export interface SealedHead extends AuditLink {
  readonly seal: string
}

export async function writeHead(element: Element, link: AuditLink, key: AuditKey): Promise<void> {
  const { seq, hash } = link
  const head: SealedHead = { seq, hash, seal: sealOf('head', link, key) }
  await element.writeNote(HEAD_NOTE, JSON.stringify(head))
}

/** What cannot be read is a head without a seal. */
export async function readHead(element: Element): Promise<SealedHead | undefined> {
  const text = await element.readNote(HEAD_NOTE)
  if (text === undefined) return undefined
  try {
    const { seq, hash, seal } = JSON.parse(text)
    if (Number.isSafeInteger(seq) && seq >= 0) return { seq, hash: `${hash}`, seal: `${seal}` }
  } catch {
    // As below.
  }
  return { seq: 0, hash: '', seal: '' }
}

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
  if (!isNew || (await element.readNote(HEAD_NOTE)) !== undefined) return
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
  const found = checkSeal('head', head, ring)
  if (found.is === 'bad') {
    return { problems: ['the head on the element was changed'], unproven: [] }
  }
  if (found.is === 'good') return { problems: [], unproven: [] }
  const unproven = [`the head is sealed with the key ${found.id}, which is not here`]
  return { problems: [], unproven }
}
