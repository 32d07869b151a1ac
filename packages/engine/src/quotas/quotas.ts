import type { Call } from '@holdfast/core/call.ts'
import { type FieldProblem, HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import { isUuid } from '@holdfast/core/ids.ts'
import { serviceProblem } from '@holdfast/core/names.ts'
import type { Quota, QuotaScope, Usage } from '@holdfast/core/records.ts'
import { authorize } from '../access/decide.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'

export interface QuotaUse {
  readonly quota: Quota
  readonly usage: Usage
}

export interface QuotaCeilings {
  readonly bytesMax?: number | null | undefined
  readonly assetsMax?: number | null | undefined
}

/** Sets both ceilings; one that is absent or null does not limit. */
export async function setQuota(
  engine: Engine,
  call: Call,
  target: { readonly scope: QuotaScope; readonly name: string },
  ceilings: QuotaCeilings,
): Promise<QuotaUse> {
  authorize(call.principal, 'quotas:admin', {})
  const { scope, name } = lowered(target)
  const bytesMax = ceilings.bytesMax ?? null
  const assetsMax = ceilings.assetsMax ?? null
  const problems = [
    ...ceilingProblems('bytes_max', bytesMax),
    ...ceilingProblems('assets_max', assetsMax),
  ]
  if (problems.length > 0) throw invalidFields(...problems)
  const args = { scope, name, bytesMax, assetsMax }
  const quota = await commit(engine, call, { name: 'quotas.set', args })
  return { quota, usage: await engine.catalog.view.quotas.usage(scope, name) }
}

/** QUOTA_NOT_FOUND when the scope has no ceiling; its usage is in `scopeUsage`. */
export async function getQuota(
  engine: Engine,
  call: Call,
  target: { readonly scope: QuotaScope; readonly name: string },
): Promise<QuotaUse> {
  authorize(call.principal, 'quotas:admin', {})
  const { scope, name } = lowered(target)
  const quota = await engine.catalog.view.quotas.get(scope, name)
  if (quota === undefined) throw new HoldfastError('QUOTA_NOT_FOUND', { scope, name })
  return { quota, usage: await engine.catalog.view.quotas.usage(scope, name) }
}

export async function scopeUsage(
  engine: Engine,
  call: Call,
  target: { readonly scope: QuotaScope; readonly name: string },
): Promise<Usage> {
  authorize(call.principal, 'quotas:admin', {})
  const { scope, name } = lowered(target)
  return await engine.catalog.view.quotas.usage(scope, name)
}

export async function listQuotas(engine: Engine, call: Call): Promise<QuotaUse[]> {
  authorize(call.principal, 'quotas:admin', {})
  const { quotas } = engine.catalog.view
  const all = await quotas.list()
  return Promise.all(
    all.map(async quota => ({ quota, usage: await quotas.usage(quota.scope, quota.name) })),
  )
}

export async function removeQuota(
  engine: Engine,
  call: Call,
  target: { readonly scope: QuotaScope; readonly name: string },
): Promise<void> {
  authorize(call.principal, 'quotas:admin', {})
  await commit(engine, call, { name: 'quotas.remove', args: lowered(target) })
}

/** Owners are UUIDs and kept in lower case; VALIDATION_ERROR for a name that no scope can have. */
function lowered(target: { readonly scope: QuotaScope; readonly name: string }): {
  scope: QuotaScope
  name: string
} {
  const { scope, name } = target
  const problems = nameProblems(scope, name)
  if (problems.length > 0) throw invalidFields(...problems)
  return { scope, name: scope === 'owner' ? name.toLowerCase() : name }
}

function nameProblems(scope: QuotaScope, name: string): FieldProblem[] {
  if (scope === 'owner') return isUuid(name) ? [] : [{ path: 'name', problem: 'must be a UUID' }]
  if (scope === 'bucket') return []
  const problem = serviceProblem(name)
  return problem === undefined ? [] : [{ path: 'name', problem }]
}

function ceilingProblems(path: string, value: number | null): FieldProblem[] {
  if (value === null || (Number.isSafeInteger(value) && value >= 0)) return []
  return [{ path, problem: 'must be a whole number from 0, or null' }]
}
