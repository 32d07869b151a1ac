/**
 * What counts as one caller among addresses. An IPv6 network gives each subscriber at least a /64
 * (RFC 6177, RFC 7934 §6), all of whose addresses one host may use, so its first half counts.
 */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address
  const [plain = ''] = address.toLowerCase().split('%')
  const [front = '', back] = plain.split('::')
  const head = front === '' ? [] : front.split(':')
  if (back !== undefined) {
    const tail = back === '' ? 0 : back.split(':').length + (back.includes('.') ? 1 : 0)
    while (head.length + tail < 8 && head.length < 4) head.push('0')
    if (head.length < 4) head.push(...back.split(':'))
  }
  const groups = head.slice(0, 4).map(group => group.replace(/^0+(?=.)/, ''))
  return `${groups.join(':')}::/64`
}
