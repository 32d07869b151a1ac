import type { Element } from '@holdfast/core/ports/element.ts'
import type { AuditLog } from '@holdfast/engine/audit/audit-log.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import type { Log } from '../telemetry/log.ts'
import { ownEntry } from './audit.ts'

const ACTION = 'store.changes.lost'
const NOTE = 'losses-untold'
const NOTE_BYTES_MAX = 64 * 1024
const SENTENCES_MAX = 20
const SENTENCE_CHARS_MAX = 300

/** A rebuild that has, or may have, thrown changes away, and with them what they ended. */
export interface Losses {
  /** What could not be kept, a sentence each. */
  readonly lost: readonly string[]
  /** Changes that the new catalog knows. */
  readonly changes: number
  /** Those that the one of before knew; null where that could not be asked. */
  readonly changesBefore: number | null
}

/** For the next start, which has the audit log and somebody who reads its lines. */
export async function noteLosses(element: Element, losses: Losses, at: string): Promise<void> {
  const { lost, changes, changesBefore } = losses
  const told = lost.slice(0, SENTENCES_MAX).map(one => one.slice(0, SENTENCE_CHARS_MAX))
  const detail = { at, lost: told, count: lost.length, changes, changes_before: changesBefore }
  await element.writeNote(NOTE, JSON.stringify(detail))
}

/**
 * One critical row for a rebuild that lost changes: the log tells of revocations that hold no more.
 * The row is looked for before it is written, so a start that dies tells it once.
 */
export async function tellLosses(
  { catalog, element, clock }: Engine,
  { audit, log }: { readonly audit: AuditLog; readonly log: Log },
): Promise<void> {
  const text = await element.readNote(NOTE, { bytesMax: NOTE_BYTES_MAX })
  if (text === undefined || text === '') return
  const detail = detailOf(text)
  log.warn(detail, 'a rebuild lost changes: what they ended may be good again')
  const filter = { action: ACTION }
  const [told] = await catalog.view.audits.before(Number.MAX_SAFE_INTEGER, 1, filter)
  if (told === undefined || told.entry.detail.at !== detail.at) {
    await audit.recordDurably(
      ownEntry(clock, { requestId: 'start', action: ACTION, resource: {}, detail }),
    )
    if (!audit.isWritten) return
  }
  try {
    await element.writeNote(NOTE, '')
  } catch (error) {
    log.warn({ error }, 'the next start looks again whether the losses were told')
  }
}

/** Whatever stands there, something was lost. */
function detailOf(text: string): { readonly at: string } {
  try {
    const detail: unknown = JSON.parse(text)
    if (typeof detail === 'object' && detail !== null && 'at' in detail) {
      return { ...detail, at: String(detail.at) }
    }
  } catch {}
  return { at: 'unknown' }
}
