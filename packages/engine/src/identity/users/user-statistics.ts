import type { Call } from '@holdfast/core/call.ts'
import type { User, UserSource, UserStatus } from '@holdfast/core/identities.ts'
import { isRole, type RoleName } from '@holdfast/core/roles.ts'
import { authorize } from '../../access/decide.ts'
import type { Engine } from '../../engine.ts'
import { factorOf } from '../factors/spend-proof.ts'
import { identityPages } from '../identity-pages.ts'
import { shownStatus } from './users.ts'

export interface UserStatistics {
  /** Everything but this is about users who are not deleted. */
  readonly byStatus: Readonly<Record<UserStatus, number>>
  readonly total: number
  /** Who has several is counted in each. */
  readonly byRole: Readonly<Record<RoleName, number>>
  readonly withoutRole: number
  readonly bySource: Readonly<Record<UserSource, number>>
  readonly withSecondFactor: number
  readonly mustChangePassword: number
  /** Without those who bring tokens of another issuer, who never log in here. */
  readonly neverLoggedIn: number
  /** Logged in within so long, or used a session. */
  readonly active: { readonly day: number; readonly week: number; readonly month: number }
}

const DAY_MS = 86_400_000

/** Counted in pages, one in each turn of the event loop. Who comes meanwhile may be missed. */
export async function userStatistics(engine: Engine, call: Call): Promise<UserStatistics> {
  authorize(call.principal, 'admin:users', {})
  const used = await lastUses(engine, call)
  const nowMs = engine.clock.now()
  const byStatus = { ACTIVE: 0, INACTIVE: 0, LOCKED: 0, DELETED: 0 }
  const byRole = { ADMIN: 0, OPERATOR: 0, USER: 0, AUDITOR: 0, READONLY: 0 }
  const bySource = { local: 0, ldap: 0, oidc: 0, token: 0 }
  const active = { day: 0, week: 0, month: 0 }
  const counts = { total: 0, withoutRole: 0, neverLoggedIn: 0 }
  const states = { withSecondFactor: 0, mustChangePassword: 0 }
  for await (const page of identityPages(engine, call, 'user')) {
    for (const user of page) {
      const status = shownStatus(user, nowMs)
      byStatus[status] += 1
      if (status === 'DELETED') continue
      counts.total += 1
      bySource[user.source] += 1
      const roles = new Set(user.roles.filter(isRole))
      for (const role of roles) byRole[role] += 1
      if (roles.size === 0) counts.withoutRole += 1
      if (factorOf(user) !== undefined) states.withSecondFactor += 1
      if (user.password?.mustChange === true) states.mustChangePassword += 1
      if (user.lastLoginAt === null && user.source !== 'token') counts.neverLoggedIn += 1
      const days = (nowMs - lastMs(user, used)) / DAY_MS
      if (days <= 1) active.day += 1
      if (days <= 7) active.week += 1
      if (days <= 30) active.month += 1
    }
  }
  return { ...counts, ...states, byStatus, byRole, bySource, active }
}

function lastMs({ id, lastLoginAt }: User, used: ReadonlyMap<string, number>): number {
  const loginMs = lastLoginAt === null ? Number.NEGATIVE_INFINITY : Date.parse(lastLoginAt)
  return Math.max(loginMs, used.get(id) ?? Number.NEGATIVE_INFINITY)
}

/** When open sessions were last refreshed or used, by user: sessions last longer than logins. */
async function lastUses(engine: Engine, call: Call): Promise<ReadonlyMap<string, number>> {
  const { tokens } = engine.identity
  const used = new Map<string, number>()
  for await (const page of identityPages(engine, call, 'session')) {
    for (const { id, belongsTo, client, updatedAt } of page) {
      if (belongsTo === null || client !== undefined) continue
      const ms = Math.max(Date.parse(updatedAt), tokens.seenMs(id) ?? 0)
      if (ms > (used.get(belongsTo) ?? 0)) used.set(belongsTo, ms)
    }
  }
  return used
}
