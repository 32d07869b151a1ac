import type { HoldfastError } from '@holdfast/core/errors.ts'

/**
 * Why a store was not opened, as far as anybody said. The committer's thread sends its causes as
 * text, so the innermost one is read out of that.
 */
export function damageReason(error: HoldfastError): string | undefined {
  const { reason } = error.details
  if (typeof reason === 'string') return reason
  let text = ''
  for (let at: unknown = error.cause; at instanceof Error; at = at.cause) {
    text += `\ncaused by ${at.stack ?? at.message}`
  }
  const causes = [...text.matchAll(/^caused by \w+: (.+)$/gm)]
  return causes.at(-1)?.[1]
}

/** The log contradicts the catalog or itself: not a matter of the catalog alone. */
export function isOfPacks(reason: string | undefined): boolean {
  return /^pack \d+/.test(reason ?? '')
}
