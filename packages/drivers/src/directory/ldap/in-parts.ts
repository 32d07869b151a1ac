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

/** What one question told: of some it may fail after it told of others. */
export interface PartAnswer {
  readonly entries: readonly DirectoryEntry[]
  readonly fault?: {
    readonly error: unknown
    /** Of whom nothing is known by it. It failed when it came to the first. */
    readonly left: readonly string[]
  }
}

/**
 * Asks about all at once, and where that fails about half of them at a time. Where it fails for
 * one of them, that one is asked about again behind all others. So one person of whom the directory
 * cannot tell, or tells too much, holds nobody else up. One that is down, or answers nothing
 * however it is asked, throws.
 */
export async function* inParts(
  subjects: readonly string[],
  ask: (part: readonly string[]) => Promise<PartAnswer>,
): AsyncGenerator<Recalled> {
  const parts = [subjects]
  const alone: (readonly string[])[] = []
  const next = () => parts.pop() ?? alone.shift()
  let failures = 0
  let isAnswered = false
  for (let part = next(); part !== undefined; part = next()) {
    const { entries, fault, isWhole } = await answerTo(ask, part)
    const left = fault?.left ?? []
    const subjects = part.filter(subject => !left.includes(subject))
    if (subjects.length > 0) {
      failures = 0
      isAnswered = true
      yield { ...nothing, subjects, entries }
    }
    if (fault === undefined) continue
    const { error, isTooMuch } = ofQuestion(fault.error)
    failures = isTooMuch ? 0 : failures + 1
    isAnswered ||= isTooMuch
    const isHopeless = failures >= FAILURES_MAX
    if (isHopeless && !isAnswered) throw error
    const half = Math.ceil(left.length / 2)
    if (isHopeless) {
      yield unjudgedOf([left, ...parts.splice(0), ...alone.splice(0)].flat(), error)
    } else if (part.length === 1) {
      yield isTooMuch ? { ...nothing, subjects: part, overfull: part } : unjudgedOf(part, error)
    } else if (isWhole) parts.push(left.slice(half), left.slice(0, half))
    else {
      alone.push(left.slice(0, 1))
      if (left.length > 1) parts.push(left.slice(1))
    }
  }
}

const nothing = { entries: [], overfull: [], unjudged: [] }

function unjudgedOf(subjects: readonly string[], error: HoldfastError): Recalled {
  return { ...nothing, subjects, unjudged: subjects.map(subject => ({ subject, error })) }
}

/** Whole: it failed before it told of anybody. */
async function answerTo(
  ask: (part: readonly string[]) => Promise<PartAnswer>,
  part: readonly string[],
): Promise<PartAnswer & { readonly isWhole: boolean }> {
  try {
    return { ...(await ask(part)), isWhole: false }
  } catch (error) {
    return { entries: [], fault: { error, left: part }, isWhole: true }
  }
}

/** What another question may be spared; throws all else, which says that the directory is down. */
function ofQuestion(error: unknown): { error: HoldfastError; isTooMuch: boolean } {
  if (!isHoldfastError(error)) throw error
  const isTooMuch = error.cause instanceof AnswerTooLong
  if (!isTooMuch && !(error.cause instanceof Unanswered)) throw error
  return { error, isTooMuch }
}
