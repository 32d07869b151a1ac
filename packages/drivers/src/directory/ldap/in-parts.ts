import { type HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { DirectoryEntry, Recalled } from '@holdfast/core/ports/directory.ts'
import { Unanswered } from './connection.ts'
import { AnswerTooLong } from './messages.ts'

/**
 * Questions that fail one after the other, however few they ask about. The one person of a hundred
 * who makes them fail is found with eight, ten beside each other with some twenty: more is no
 * fault of some people.
 */
const FAILURES_MAX = 32

/**
 * Asks about all at once, and where that fails about half of them at a time: one person of whom the
 * directory cannot tell, or tells too much, holds nobody else up. One that is down, or answers
 * nothing however it is asked, throws.
 */
export async function inParts(
  subjects: readonly string[],
  ask: (part: readonly string[]) => Promise<DirectoryEntry[]>,
): Promise<Recalled> {
  const entries: DirectoryEntry[] = []
  const overfull: string[] = []
  const unjudged: Recalled['unjudged'][number][] = []
  const parts = [subjects]
  let failures = 0
  let isAnswered = false
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    try {
      entries.push(...(await ask(part)))
      failures = 0
      isAnswered = true
    } catch (thrown) {
      const { error, isTooMuch } = ofQuestion(thrown)
      failures = isTooMuch ? 0 : failures + 1
      isAnswered ||= isTooMuch
      const isHopeless = failures >= FAILURES_MAX
      if (isHopeless && !isAnswered) throw error
      const half = Math.ceil(part.length / 2)
      if (isHopeless) {
        const rest = [part, ...parts.splice(0)].flat()
        unjudged.push(...rest.map(subject => ({ subject, error })))
      } else if (part.length > 1) parts.push(part.slice(half), part.slice(0, half))
      else if (isTooMuch) overfull.push(...part)
      else unjudged.push(...part.map(subject => ({ subject, error })))
    }
  }
  return { entries, overfull, unjudged }
}

/** What another question may be spared; throws all else, which says that the directory is down. */
function ofQuestion(error: unknown): { error: HoldfastError; isTooMuch: boolean } {
  if (!isHoldfastError(error)) throw error
  const isTooMuch = error.cause instanceof AnswerTooLong
  if (!isTooMuch && !(error.cause instanceof Unanswered)) throw error
  return { error, isTooMuch }
}
