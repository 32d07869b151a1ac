import type { Usage } from '@holdfast/core/records.ts'

/** Assets of one type and one service, both by their numbers. */
export interface UsageRow extends Usage {
  readonly type: number
  readonly service: number
}

/** What parts of a count sum up to. Callers name services, so it keeps their numbers, not names. */
export class UsageTotals {
  assets = 0
  bytes = 0
  readonly types = new Map<number, number>()
  readonly #services = new Map<number, { assets: number; bytes: number }>()

  add({ type, service, assets, bytes }: UsageRow): void {
    this.assets += assets
    this.bytes += bytes
    this.types.set(type, (this.types.get(type) ?? 0) + assets)
    const usage = this.#services.get(service)
    if (usage === undefined) this.#services.set(service, { assets, bytes })
    else {
      usage.assets += assets
      usage.bytes += bytes
    }
  }

  /** Those with the most bytes. Never sorts all of them: there may be a million. */
  largestServices(max: number): [number, Usage][] {
    let kept: [number, Usage][] = []
    let least = -1
    const cut = () => {
      kept = kept.sort(([, one], [, other]) => other.bytes - one.bytes).slice(0, max)
    }
    for (const entry of this.#services) {
      if (entry[1].bytes <= least) continue
      kept.push(entry)
      if (kept.length < 2 * max) continue
      cut()
      least = kept.at(-1)?.[1].bytes ?? least
    }
    cut()
    return kept
  }
}
