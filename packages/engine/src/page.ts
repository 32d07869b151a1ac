import { type FieldProblem, invalidFields } from '@holdfast/core/errors.ts'
import type { Limits } from '@holdfast/core/limits.ts'

export interface PageQuery {
  readonly limit?: number | undefined
  readonly offset?: number | undefined
}

const DEFAULT_ITEMS = 100

/** The page asked for; VALIDATION_ERROR outside the limits. */
export function requirePage(
  { limits }: { readonly limits: Limits },
  query: PageQuery,
): { readonly limit: number; readonly offset: number } {
  const limit = query.limit ?? Math.min(DEFAULT_ITEMS, limits.pageItemsMax)
  const offset = query.offset ?? 0
  const problems: FieldProblem[] = []
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > limits.pageItemsMax) {
    problems.push({ path: 'limit', problem: `must be from 1 to ${limits.pageItemsMax}` })
  }
  if (!Number.isSafeInteger(offset) || offset < 0) {
    problems.push({ path: 'offset', problem: 'must be a whole number from 0' })
  }
  if (problems.length > 0) throw invalidFields(...problems)
  return { limit, offset }
}
