import { addressKey, NETWORK_SHARE, networkKey } from './address-key.ts'
import { type Rate, RateTable, type RateTableOptions } from './rate-table.ts'

/**
 * What strangers may ask for, by address, and where that is IPv6 by its /48, too: who has one has
 * 65,536 of what counts as an address.
 */
export class AddressAllowance {
  readonly #addresses: RateTable
  readonly #networks: RateTable

  constructor(rate: Rate, options: RateTableOptions) {
    this.#addresses = new RateTable(rate, options)
    this.#networks = new RateTable({ ...rate, quota: rate.quota * NETWORK_SHARE }, options)
  }

  /** Milliseconds until there is one again; undefined: one was taken now. */
  take(ip: string, nowMs: number): number | undefined {
    const own = this.#addresses.take(addressKey(ip), nowMs)
    if (!own.allowed) return own.waitMs
    const network = networkKey(ip)
    if (!network.includes(':')) return undefined
    const all = this.#networks.take(network, nowMs)
    return all.allowed ? undefined : all.waitMs
  }
}
