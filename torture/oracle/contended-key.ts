import type { Operation } from './history-file.ts'

export interface Read {
  readonly beganMs: number
  readonly endedMs: number
  /** Number of the operation whose content was seen; 0 when the key was gone. */
  readonly seen: number
}

/**
 * A key that several clients write at once. Every write has a body of its own, so a read is wrong
 * if it shows a write that was never sent or was refused, or one that ended before another
 * acknowledged write began which itself ended before the read began, or an older one than an
 * earlier read saw. No search over orders is needed.
 */
export class ContendedKey {
  readonly key: string
  readonly #writes: Operation[] = []
  readonly #deletes: Operation[] = []
  readonly #reads: Read[] = []

  constructor(key: string) {
    this.key = key
  }

  add(operation: Operation): void {
    const list = operation.kind === 'delete' ? this.#deletes : this.#writes
    list.push(operation)
  }

  /** What is wrong with a read, or undefined. */
  look(read: Read): string | undefined {
    const problem = this.#problem(read)
    this.#reads.push(read)
    return problem === undefined ? undefined : `${this.key}: ${problem}`
  }

  #problem(read: Read): string | undefined {
    if (read.seen === 0) return this.#goneProblem(read)
    const write = this.#writes.find(({ number }) => number === read.seen)
    if (write === undefined) return `shows ${read.seen}, which nobody wrote`
    if (write.outcome === 'no') return `shows ${read.seen}, which was refused`
    if (write.beganMs > read.endedMs) return `shows ${read.seen} before it was sent`
    const over = [...this.#writes, ...this.#deletes].find(
      later => isBetween(later, write.endedMs, read.beganMs) && later.number !== write.number,
    )
    if (over !== undefined) return `shows ${read.seen}, but ${over.kind} ${over.number} came after`
    return this.#olderThanSeen(read, write)
  }

  /** Gone is right at first, and when some delete was not surely followed by a write. */
  #goneProblem(read: Read): string | undefined {
    const starts = [{ endedMs: 0, number: 0 }, ...this.#deletes.filter(isPossible)]
    const fits = starts.some(
      start =>
        !this.#writes.some(write => isBetween(write, start.endedMs, read.beganMs)) &&
        (start.number === 0 ||
          (this.#deletes.find(d => d.number === start.number)?.beganMs ?? 0) <= read.endedMs),
    )
    return fits ? undefined : 'is gone, though it was written and not deleted'
  }

  #olderThanSeen(read: Read, write: Operation): string | undefined {
    for (const earlier of this.#reads) {
      if (earlier.endedMs > read.beganMs || earlier.seen === 0) continue
      const newer = this.#writes.find(({ number }) => number === earlier.seen)
      if (newer !== undefined && newer.beganMs > write.endedMs) {
        return `shows ${read.seen}, but ${earlier.seen} was read before and is newer`
      }
    }
    return undefined
  }
}

function isPossible({ outcome }: Operation): boolean {
  return outcome !== 'no'
}

/** Surely happened after the one moment and before the other. */
function isBetween({ outcome, beganMs, endedMs }: Operation, after: number, before: number) {
  return outcome === 'ok' && beganMs > after && endedMs < before
}
