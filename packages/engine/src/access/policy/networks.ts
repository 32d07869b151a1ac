import { BlockList, isIP } from 'node:net'
import { BoundedCache } from '@holdfast/core/bounded-cache.ts'
import { plainAddress } from '@holdfast/core/rates/address-key.ts'

/**
 * Whether a network is small enough to be somebody's: larger ones than a /8, or a /32 of IPv6, are
 * the public
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html).
 */
export function isNarrowNetwork(text: string): boolean {
  const network = networkOf(text)
  return network !== undefined && network.prefix >= (network.type === 'ipv4' ? 8 : 32)
}

/** Whether an address lies in networks that are asked about one after the other. */
export function inNetworks(address: string) {
  const plain = plainAddress(address)
  const family = familyOf(plain)
  return (network: string) => {
    const known = family === undefined ? undefined : listOf(network)
    // Node would look for an IPv4 address in `::/32`, too, which holds what stands for it.
    return known?.type === family && known?.list.check(plain, family) === true
  }
}

/** How many are kept: those of two policies that hold nothing else. */
const LISTS_MAX = 4096
/** To make one takes longer than to ask it a thousand times, and policies may hold as many. */
const lists = new BoundedCache<KnownList>(LISTS_MAX)

type Family = 'ipv4' | 'ipv6'

interface KnownList {
  readonly type: Family
  readonly list: BlockList
}

function listOf(text: string): KnownList | undefined {
  const known = lists.get(text)
  if (known !== undefined) return known
  const network = networkOf(text)
  if (network === undefined) return undefined
  const list = new BlockList()
  list.addSubnet(network.base, network.prefix, network.type)
  const made = { type: network.type, list }
  lists.set(text, made)
  return made
}

/** How much of a mapped address says only that it stands for an IPv4 one. */
const MAPPED_BITS = 96

/** Of `10.0.0.0/8` or a single address; undefined for what is neither. */
export function networkOf(text: string) {
  const [base = '', bits, ...more] = text.split('/')
  const type = familyOf(base)
  if (type === undefined || more.length > 0) return undefined
  const bitsMax = type === 'ipv4' ? 32 : 128
  const prefix = bits === undefined ? bitsMax : Number(bits.trim() || Number.NaN)
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > bitsMax) return undefined
  const plain = plainAddress(base)
  if (plain === base || prefix < MAPPED_BITS) return { base, prefix, type }
  return { base: plain, prefix: prefix - MAPPED_BITS, type: 'ipv4' } as const
}

/** Undefined for what is no address. */
export function familyOf(address: string): Family | undefined {
  const version = isIP(address)
  if (version === 0) return undefined
  return version === 4 ? 'ipv4' : 'ipv6'
}
