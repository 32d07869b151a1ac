import { hkdfSync } from 'node:crypto'
import type { AuditLog } from '@holdfast/engine/audit/audit-log.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import type { Log } from '../telemetry/log.ts'
import { ownEntry } from './audit.ts'

const ACTION = 'secret.changed'
const NOTE = 'secret-told'
const NOTE_BYTES_MAX = 64
const CUT_OFF = 'a change of the secret was cut off; stop, and end it: holdfast secret change'

interface Telling {
  /** The secret that the store was made with. */
  readonly first: Uint8Array
  readonly audit: AuditLog
  readonly log: Log
}

/**
 * One row for each other secret of the store, by the first start with it: whoever changes it has no
 * server and maybe not the key of the log. The row is looked for before it is written, and the note
 * says that it was even where rows are dropped for their age, so a start that dies tells it once.
 */
export async function tellSecretChange(
  engine: Engine,
  { first, audit, log }: Telling,
): Promise<void> {
  const { linkSecret, formerSecret } = engine.settings
  if (formerSecret !== undefined) log.warn({}, CUT_OFF)
  // Such a change is told when it was ended.
  if (formerSecret !== undefined || Buffer.from(linkSecret).equals(first)) return
  const { catalog, element, clock } = engine
  const name = nameOf(linkSecret)
  if ((await element.readNote(NOTE, { bytesMax: NOTE_BYTES_MAX })) === name) return
  const filter = { action: ACTION }
  const [told] = await catalog.view.audits.before(Number.MAX_SAFE_INTEGER, 1, filter)
  if (told?.entry.detail.secret !== name) {
    const what = { requestId: 'start', action: ACTION, resource: {}, detail: { secret: name } }
    await audit.recordDurably(ownEntry(clock, what))
    if (!audit.isWritten) return
  }
  try {
    await element.writeNote(NOTE, name)
  } catch (error) {
    log.warn({ error }, 'the next start looks again whether the change of the secret was told')
  }
}

/** Tells secrets apart, and nothing of them. */
function nameOf(secret: Uint8Array): string {
  return Buffer.from(hkdfSync('sha256', secret, '', 'holdfast secret name', 8)).toString('hex')
}
