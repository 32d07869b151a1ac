/** One write or delete of a key; every write has a value of its own. */
export interface KeyWrite {
  /** 0 for a delete. */
  readonly value: number
  readonly beganMs: number
  /** Infinity while no answer came. */
  readonly endedMs: number
  readonly outcome: 'ok' | 'no' | 'unknown'
}

export interface KeyRead {
  readonly beganMs: number
  readonly endedMs: number
  /** The value seen; 0 when the key was gone. */
  readonly value: number
}

/**
 * Whether the reads of one key fit some order of its writes (linearizability of a register). Values
 * are unique, so no search is needed: a read of `w` is wrong if nobody wrote `w`, if that was
 * refused, or if another write surely began after `w` ended and was done before the read began. A
 * write is done when it was acknowledged or first seen, whichever is earlier. O(n log n).
 */
export function registerProblems(
  writes: readonly KeyWrite[],
  reads: readonly KeyRead[],
): { readonly read: KeyRead; readonly problem: string }[] {
  const known = new Map(writes.map(write => [write.value, write]))
  const doneMs = doneTimes(writes, reads)
  const doneWrites: Done[] = []
  const doneAll: Done[] = []
  // Before everything, the key was gone.
  const never = Number.NEGATIVE_INFINITY
  const deletes: Done[] = [{ key: never, max: never }]
  for (const write of writes) {
    if (write.outcome === 'no') continue
    const done = doneMs.get(write) ?? Number.POSITIVE_INFINITY
    const entry = { key: done, max: write.beganMs }
    doneAll.push(entry)
    if (write.value !== 0) doneWrites.push(entry)
    else {
      const ended = write.outcome === 'ok' ? write.endedMs : Number.POSITIVE_INFINITY
      deletes.push({ key: write.beganMs, max: ended })
    }
  }
  const newestOfAll = prefixMax(doneAll)
  const newestWrite = prefixMax(doneWrites)
  const lastDelete = prefixMax(deletes)
  const problems: { read: KeyRead; problem: string }[] = []
  for (const read of reads) {
    const problem =
      read.value === 0
        ? goneProblem(newestWrite(read.beganMs), lastDelete(read.endedMs))
        : valueProblem(read, known.get(read.value), newestOfAll(read.beganMs))
    if (problem !== undefined) problems.push({ read, problem })
  }
  return problems
}

function goneProblem(newestWriteBegan: number, lastDeleteEnded: number): string | undefined {
  if (newestWriteBegan <= lastDeleteEnded) return undefined
  return 'is gone, though it was written and no delete came after'
}

function valueProblem(
  read: KeyRead,
  write: KeyWrite | undefined,
  newestBegan: number,
): string | undefined {
  if (write === undefined) return `shows ${read.value}, which nobody wrote`
  if (write.outcome === 'no') return `shows ${read.value}, which was refused`
  if (write.beganMs >= read.endedMs) return `shows ${read.value} before it was sent`
  const ended = write.outcome === 'ok' ? write.endedMs : Number.POSITIVE_INFINITY
  if (newestBegan > ended) return `shows ${read.value}, but a later write was done before`
  return undefined
}

/** When each write was surely done: acknowledged, or seen by a read that ended. */
function doneTimes(writes: readonly KeyWrite[], reads: readonly KeyRead[]): Map<KeyWrite, number> {
  const seen = new Map<number, number>()
  for (const { value, endedMs } of reads) {
    if (value !== 0) seen.set(value, Math.min(endedMs, seen.get(value) ?? Number.POSITIVE_INFINITY))
  }
  const times = new Map<KeyWrite, number>()
  for (const write of writes) {
    const acknowledged = write.outcome === 'ok' ? write.endedMs : Number.POSITIVE_INFINITY
    const first = write.value === 0 ? Number.POSITIVE_INFINITY : seen.get(write.value)
    times.set(write, Math.min(acknowledged, first ?? Number.POSITIVE_INFINITY))
  }
  return times
}

interface Done {
  readonly key: number
  readonly max: number
}

/** The largest `max` among entries whose `key` is below the one asked for. */
function prefixMax(entries: readonly Done[]): (key: number) => number {
  const sorted = [...entries].sort((a, b) => a.key - b.key)
  const best: number[] = []
  for (const { max } of sorted) best.push(Math.max(best.at(-1) ?? Number.NEGATIVE_INFINITY, max))
  return key => {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sorted[middle]?.key ?? 0) < key) low = middle + 1
      else high = middle
    }
    return best[low - 1] ?? Number.NEGATIVE_INFINITY
  }
}
