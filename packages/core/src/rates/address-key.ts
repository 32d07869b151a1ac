/**
 * What counts as one caller among addresses. An IPv6 network gives each subscriber at least a /64
 * (RFC 6177, RFC 7934 §6), all of whose addresses one host may use, so its first half counts.
 */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address
  return `${groupsOf(address).join(':')}::/64`
}

/** What one organisation may have of addresses at the least: a /24 of IPv4, a /48 of IPv6. */
export function networkKey(address: string): string {
  if (address.includes(':')) return `${groupsOf(address).slice(0, 3).join(':')}::/48`
  return `${address.split('.').slice(0, 3).join('.')}.0/24`
}

/** The first half of an IPv6 address. */
function groupsOf(address: string): string[] {
  const [plain = ''] = address.toLowerCase().split('%')
  const [front = '', back] = plain.split('::')
  const head = front === '' ? [] : front.split(':')
  if (back !== undefined) {
    const tail = back === '' ? 0 : back.split(':').length + (back.includes('.') ? 1 : 0)
    while (head.length + tail < 8 && head.length < 4) head.push('0')
    if (head.length < 4) head.push(...back.split(':'))
  }
  return head.slice(0, 4).map(group => group.replace(/^0+(?=.)/, ''))
}
