import { BlockList, isIP } from 'node:net'
import { plainAddress } from '@holdfast/core/rates/address-key.ts'

export interface Heard {
  readonly remote: string | undefined
  /** Value of `X-Forwarded-For`, if there was one. */
  readonly forwarded: string | string[] | undefined
}

const HOPS_MAX = 32

/**
 * The address of the caller. `X-Forwarded-For` is believed only as far as proxies of ours wrote it:
 * read from its end, the first address that is no trusted proxy is the caller. Anything before it
 * came from the caller and may say what it likes.
 */
export function clientAddress({ remote, forwarded }: Heard, trusted: BlockList): string {
  const peer = withoutZone(remote ?? '')
  if (forwarded === undefined || !isTrusted(peer, trusted)) return peer
  const text = Array.isArray(forwarded) ? forwarded.join(',') : forwarded
  const hops = text
    .split(',')
    .slice(-HOPS_MAX)
    .map(hop => withoutPort(hop.trim()))
  let known = peer
  for (const hop of hops.reverse()) {
    // What is no address ends the chain: a proxy of ours would not have written it.
    if (isIP(hop) === 0) return known
    known = withoutZone(hop)
    if (!isTrusted(known, trusted)) return known
  }
  return known
}

/** From addresses and networks such as `10.0.0.0/8`, which the settings have checked. */
export function proxyList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

/** A sentence part about what is no address or network, or undefined. */
export function networkProblem(network: string): string | undefined {
  const [address = '', bits, ...rest] = network.split('/')
  const family = isIP(address)
  const most = family === 6 ? 128 : 32
  const isSized = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most)
  if (family !== 0 && isSized && rest.length === 0) return undefined
  return 'must be an IP address or a network such as 10.0.0.0/8'
}

function isTrusted(address: string, trusted: BlockList): boolean {
  const family = isIP(address)
  return family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** A zone (RFC 4007 §11) may be of any length and means something to that host alone. */
function withoutZone(address: string): string {
  const end = address.indexOf('%')
  return plainAddress(end === -1 ? address : address.slice(0, end))
}

const WITH_PORT = /^(?:\[([\da-f:.]+)\]|(\d+(?:\.\d+){3}))(?::\d{1,5})?$/i

/** Some proxies write the port of the caller, too; without this all of theirs would be one. */
function withoutPort(hop: string): string {
  const [, inBrackets, dotted] = WITH_PORT.exec(hop) ?? []
  return inBrackets ?? dotted ?? hop
}
