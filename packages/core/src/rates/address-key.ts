/** As a dual-stack socket writes it, for each request. */
const USUAL = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/**
 * The IPv4 address that an IPv6 one stands for (`::ffff:0:0/96`, RFC 4291 §2.5.5.2), however it is
 * spelt; any other address as it is.
 */
export function plainAddress(address: string): string {
  // Cheap and true of every spelling: most callers are done here.
  if (!address.includes(':') || !/:f{4}:/i.test(address)) return address
  const usual = USUAL.exec(address)?.[1]
  if (usual !== undefined) return usual
  const groups = groupsOf(address)
  if (groups.slice(0, 5).some(group => group !== '0') || groups[5] !== 'ffff') return address
  return groups.slice(6).flatMap(bytesOf).join('.')
}

/**
 * What counts as one caller among addresses. An IPv6 network gives each subscriber at least a /64
 * (RFC 6177, RFC 7934 §6), all of whose addresses one host may use, so its first half counts.
 */
export function addressKey(address: string): string {
  const plain = plainAddress(address)
  if (!plain.includes(':')) return plain
  return `${groupsOf(plain).slice(0, 4).join(':')}::/64`
}

/** So many times what one address has is for all of its network. */
export const NETWORK_SHARE = 32

/** What one organisation may have of addresses at the least: a /24 of IPv4, a /48 of IPv6. */
export function networkKey(address: string): string {
  const plain = plainAddress(address)
  if (plain.includes(':')) return `${groupsOf(plain).slice(0, 3).join(':')}::/48`
  return `${plain.split('.').slice(0, 3).join('.')}.0/24`
}

/** The eight groups of an IPv6 address, without zeros in front. */
function groupsOf(address: string): string[] {
  const [plain = ''] = address.toLowerCase().split('%')
  const [front = '', back = ''] = plain.split('::')
  const head = partsOf(front)
  const tail = partsOf(back)
  const left = Math.max(0, 8 - head.length - tail.length)
  return [...head, ...Array<string>(left).fill('0'), ...tail].slice(0, 8)
}

function partsOf(text: string): string[] {
  if (text === '') return []
  return text.split(':').flatMap(part => {
    if (!part.includes('.')) return part.replace(/^0+(?=.)/, '')
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [a * 256 + b, c * 256 + d].map(group => group.toString(16))
  })
}

function bytesOf(group: string): number[] {
  const value = Number.parseInt(group, 16)
  return [value >> 8, value & 255]
}
