import type { Catalog, CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'
import type { QuotaScope } from '@holdfast/core/records.ts'
import { enforceQuotas, type Payers } from './enforce-quotas.ts'

/** So many bytes of a body come between two questions. */
const STEP_BYTES = 1024 * 1024

const SCOPES: readonly QuotaScope[] = ['bucket', 'owner', 'service']

/** A body, and what it will weigh on once it is here. */
export interface Arrival {
  readonly payers: Omit<Payers, 'only'>
  readonly length?: number | undefined
  /** What goes for it, or may be the same: so many bytes cost nothing, of one body at a time. */
  readonly instead?: { readonly id: string; readonly size: number } | undefined
}

/**
 * Bytes on their way that weigh on a quota. Whether there is room is decided by the transaction
 * alone, when the last byte is here, and bodies may take hours: without this, who has no room left
 * fills the disk with bodies that never end.
 */
export class Arriving {
  readonly #bytes = new Map<string, number>()
  /** Ids of what bodies on their way go in place of. */
  readonly #replaced = new Set<string>()

  readonly #view: CatalogView
  readonly #smallBytesMax: number

  constructor(options: { readonly catalog: Catalog; readonly smallBytesMax: number }) {
    this.#view = options.catalog.view
    this.#smallBytesMax = options.smallBytesMax
  }

  /** QUOTA_EXCEEDED at once for what was announced, and from the source for what comes anyway. */
  async watched<Source extends ByteSource | Uint8Array>(
    source: Source,
    arrival: Arrival,
  ): Promise<Source | ByteSource> {
    const { payers, length, instead } = arrival
    // Small bodies are cheaper to receive than to ask about; the transaction asks in any case.
    const isSmall = length !== undefined && length <= this.#smallBytesMax
    if (source instanceof Uint8Array || isSmall) return source
    const { quotas } = this.#view
    const asked = await Promise.all(SCOPES.map(scope => quotas.get(scope, payers[scope])))
    if (asked.every(quota => (quota?.bytesMax ?? null) === null)) return source
    const growth = { assets: 0, bytes: (length ?? 0) - (instead?.size ?? 0) }
    await enforceQuotas(this.#view, payers, growth)
    const watched = this.#within(source, arrival)
    const { done } = source
    return done === undefined ? watched : Object.assign(watched, { done })
  }

  /** The same bytes, until they and all others on their way are more than a ceiling leaves. */
  async *#within(source: ByteSource, { payers, instead }: Arrival): AsyncGenerator<Uint8Array> {
    const replaces = instead !== undefined && !this.#replaced.has(instead.id) ? instead : undefined
    if (replaces !== undefined) this.#replaced.add(replaces.id)
    let left = replaces?.size ?? 0
    let counted = 0
    let asked = 0
    try {
      for await (const chunk of source) {
        const free = Math.min(left, chunk.length)
        left -= free
        counted += chunk.length - free
        this.#add(payers, chunk.length - free)
        if (counted - asked >= STEP_BYTES) {
          asked = counted
          await this.#ask(payers)
        }
        yield chunk
      }
    } finally {
      this.#add(payers, -counted)
      if (replaces !== undefined) this.#replaced.delete(replaces.id)
    }
  }

  async #ask(payers: Arrival['payers']): Promise<void> {
    for (const only of SCOPES) {
      const bytes = this.#bytes.get(keyOf(only, payers)) ?? 0
      await enforceQuotas(this.#view, { ...payers, only }, { assets: 0, bytes })
    }
  }

  #add(payers: Arrival['payers'], bytes: number): void {
    if (bytes === 0) return
    for (const scope of SCOPES) {
      const key = keyOf(scope, payers)
      const now = (this.#bytes.get(key) ?? 0) + bytes
      if (now === 0) this.#bytes.delete(key)
      else this.#bytes.set(key, now)
    }
  }
}

function keyOf(scope: QuotaScope, payers: Arrival['payers']): string {
  return `${scope}\0${payers[scope]}`
}
