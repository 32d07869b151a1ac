import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Asset } from '@holdfast/core/records.ts'

/**
 * Conditions on the asset shown: a SHA-256 names its content, a record tag everything that is told
 * of it. `*` stands for any asset.
 */
export interface Preconditions {
  readonly ifMatch?: readonly string[] | undefined
  readonly ifNoneMatch?: readonly string[] | '*' | undefined
}

type Shown = Pick<Asset, 'sha256' | 'seq'>

/** Names one state of the record of an asset: every change of it takes a new sequence number. */
export function recordTag({ seq }: Pick<Asset, 'seq'>): string {
  return `r${seq}`
}

/**
 * PRECONDITION_FAILED unless the asset shown (undefined = none, or deleted) meets the conditions
 * (RFC 9110 §13.1.1, §13.1.2). Exact only inside a transaction.
 */
export function requirePreconditions(shown: Shown | undefined, conditions: Preconditions): void {
  const { ifMatch, ifNoneMatch } = conditions
  if (ifMatch !== undefined && !matches(shown, ifMatch)) fail('If-Match')
  if (ifNoneMatch === undefined) return
  const list = ifNoneMatch === '*' ? ['*'] : ifNoneMatch
  if (matches(shown, list)) fail('If-None-Match')
}

function matches(shown: Shown | undefined, list: readonly string[]): boolean {
  if (shown === undefined) return false
  return list.some(entry => entry === '*' || entry === shown.sha256 || entry === recordTag(shown))
}

function fail(header: string): never {
  throw new HoldfastError('PRECONDITION_FAILED', { precondition: header })
}
