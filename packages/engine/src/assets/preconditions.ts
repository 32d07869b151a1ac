import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Asset } from '@holdfast/core/records.ts'

/** Conditions on the content shown, by SHA-256. `*` stands for any content. */
export interface Preconditions {
  readonly ifMatch?: readonly string[] | undefined
  readonly ifNoneMatch?: readonly string[] | '*' | undefined
}

/**
 * PRECONDITION_FAILED unless the asset shown (undefined = none, or deleted) meets the conditions
 * (RFC 9110 §13.1.1, §13.1.2). Exact only inside a transaction.
 */
export function requirePreconditions(
  shown: Pick<Asset, 'id' | 'sha256'> | undefined,
  conditions: Preconditions,
): void {
  const { ifMatch, ifNoneMatch } = conditions
  if (ifMatch !== undefined && !matches(shown, ifMatch)) fail('If-Match')
  if (ifNoneMatch === undefined) return
  const list = ifNoneMatch === '*' ? ['*'] : ifNoneMatch
  if (matches(shown, list)) fail('If-None-Match')
}

function matches(shown: Pick<Asset, 'sha256'> | undefined, list: readonly string[]): boolean {
  if (shown === undefined) return false
  return list.some(entry => entry === '*' || entry === shown.sha256)
}

function fail(header: string): never {
  throw new HoldfastError('PRECONDITION_FAILED', { precondition: header })
}
