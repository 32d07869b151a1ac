/** What a stretch of load came to. */
export interface LoadFigures {
  readonly work: string
  readonly operations: number
  readonly operationsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly errors: Readonly<Record<string, number>>
}

const ERRORS_NAMED_MAX = 10

export interface LoadPlan {
  readonly work: string
  readonly connections: number
  /** No operation starts after this; those under way are awaited. */
  readonly durationMs: number
  readonly signal: AbortSignal
  operate(): Promise<void>
}

/** Each connection sends its next request when the answer before is whole. */
export async function runLoad(plan: LoadPlan): Promise<LoadFigures> {
  const { work, connections, durationMs, signal, operate } = plan
  const times: number[] = []
  const errors: Record<string, number> = {}
  const startedAt = performance.now()
  const endAt = startedAt + durationMs
  const worker = async (): Promise<void> => {
    while (performance.now() < endAt && !signal.aborted) {
      const sentAt = performance.now()
      try {
        await operate()
        times.push(performance.now() - sentAt)
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error)
        const known = what in errors || Object.keys(errors).length < ERRORS_NAMED_MAX
        const name = known ? what : 'other errors'
        errors[name] = (errors[name] ?? 0) + 1
      }
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  const seconds = (performance.now() - startedAt) / 1000
  times.sort((one, other) => one - other)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]
  return {
    work,
    operations: times.length,
    operationsPerSecond: times.length / seconds,
    p50Ms: at(0.5) ?? 0,
    p99Ms: at(0.99) ?? 0,
    errors,
  }
}
