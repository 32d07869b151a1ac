import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { AuditEntry, AuditLink } from '@holdfast/core/identities.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import { systemPrincipal } from '@holdfast/core/principal.ts'
import { AuditLog } from '@holdfast/engine/audit/audit-log.ts'
import { dropAudits } from '@holdfast/engine/audit/upkeep/drop-audits.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import type { Settings } from '../config/settings-table.ts'
import type { Log } from '../telemetry/log.ts'

const HEAD_TOLD_MS = 3_600_000
const DAY_MS = 86_400_000

/** The log of a store, which is not looked at yet. */
export function openAudit(
  { catalog, element, clock, auditKeys: keys }: Engine,
  { refusalRate: refusals }: Settings,
  log: Log,
): AuditLog {
  let toldMs = Number.NEGATIVE_INFINITY
  return new AuditLog({
    ...{ catalog, element, clock, keys, refusals },
    // Whoever collects log lines elsewhere has heads there that nobody here can change.
    onSealed: head => {
      const nowMs = clock.monotonic()
      if (nowMs - toldMs < HEAD_TOLD_MS) return
      toldMs = nowMs
      log.info({ head: headText(head) }, 'audit log sealed')
    },
    onError: error => log.error({ error }, 'audit rows were not written'),
    onBroken: problems => log.error({ problems }, 'THE AUDIT LOG IS BROKEN'),
  })
}

/** What the server does by itself, or what follows from what others did. */
export function ownEntry(
  clock: Clock,
  what: Pick<AuditEntry, 'requestId' | 'action' | 'resource' | 'detail'>,
): AuditEntry {
  const { id, kind, name } = systemPrincipal
  return {
    at: new Date(clock.now()).toISOString(),
    ...{ actor: id, actorKind: kind, actorName: name, ip: '', agent: '' },
    ...{ outcome: 'success', status: 0, code: null },
    ...what,
  }
}

/**
 * Locks, sessions that a replay ended, signing keys that were made in their time, who is closed in
 * the directory, and rights that it or a provider gave or took, each in a row of its own.
 */
export function auditIdentities({ identity, clock }: Engine, audit: AuditLog): void {
  identity.counts.onLocked = ({ id, username, failures, lockedUntil }) => {
    const detail = { failures, locked_until: lockedUntil }
    const what = { requestId: 'login', action: 'lockUser', resource: { id, username }, detail }
    audit.record(ownEntry(clock, what))
  }
  identity.counts.onReused = ({ who, sessionId, ip, agent }) => {
    const detail = { ...who, reason: 'a refresh token was used twice' }
    const what = { requestId: 'refresh', action: 'endReusedSession', detail }
    const entry = ownEntry(clock, { ...what, resource: { id: sessionId } })
    // Of the one that came second, who may be either of the two.
    audit.record({ ...entry, sessionId, ip, agent })
  }
  identity.counts.onClosed = ({ id, username }, reason) => {
    const resource = { id, username }
    const what = { requestId: 'directory', action: 'closeUser', resource, detail: { reason } }
    audit.record(ownEntry(clock, what))
  }
  identity.counts.onRights = ({ user: { id, username, source }, before, after }) => {
    const requestId = source === 'ldap' ? 'directory' : 'openid'
    const detail = { source, before: before && { ...before }, after: { ...after } }
    const what = { requestId, action: 'changeRightsOutside', resource: { id, username }, detail }
    audit.record(ownEntry(clock, what))
  }
  identity.counts.onRotated = ({ id, names, signsUntil }) => {
    const detail = { by: 'interval', kid: names[0] ?? null, signs_until: signsUntil }
    const what = { requestId: 'rotation', action: 'rotateSigningKey', resource: { id }, detail }
    audit.record(ownEntry(clock, what))
  }
}

/** Before anything is written to the store: then a new one is told from one that lost its log. */
export async function startAudit(audit: AuditLog, log: Log): Promise<void> {
  const { brokenBefore, changedFrom, end } = await audit.start()
  if (changedFrom !== undefined) {
    log.warn({ before: changedFrom }, 'the audit log is sealed with another key from now on')
  }
  if (brokenBefore > 0) log.warn({ times: brokenBefore }, 'the audit log was found broken before')
  log.info({ head: headText(end) }, 'audit log goes on')
}

interface Dropping {
  readonly engine: Engine
  readonly audit: AuditLog
  readonly settings: Pick<Settings, 'auditRetentionDays'>
  readonly log: Log
}

/** Drops rows that are older than the settings keep, at the start and then once a day. */
export async function dropAuditsDaily(
  { engine, audit, settings, log }: Dropping,
  signal: AbortSignal,
): Promise<void> {
  const { auditRetentionDays: days } = settings
  if (days === 0) return
  while (!signal.aborted) {
    try {
      const { dropped, stopped } = await dropAudits(engine, audit, { days, signal })
      if (dropped > 0) log.info({ dropped }, 'audit rows dropped for their age')
      if (stopped !== null) log.warn({ reason: stopped }, 'no audit rows were dropped')
      await engine.clock.sleep(DAY_MS, signal)
    } catch (error) {
      if (signal.aborted) return
      log.error({ error, code: isHoldfastError(error) ? error.code : 'INTERNAL' }, 'job failed')
      await engine.clock.sleep(DAY_MS, signal).catch(() => {})
    }
  }
}

/** As `holdfast audit verify --head` takes it. */
export function headText({ seq, hash }: AuditLink): string {
  return `${seq}:${hash}`
}
