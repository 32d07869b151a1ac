import type { Run } from './program.ts'

/**
 * True while a part has to go on: for so many seconds, and on a slow machine until enough was
 * counted. What a run must have done is never a question of its speed; the budget ends both.
 */
export function lasting(
  { signal }: Pick<Run, 'signal'>,
  seconds: number,
  isEnough: () => boolean,
): () => boolean {
  const untilMs = performance.now() + seconds * 1000
  return () => !signal.aborted && (performance.now() < untilMs || !isEnough())
}
