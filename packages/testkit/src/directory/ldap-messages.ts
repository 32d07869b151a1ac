/** Messages of a directory (RFC 4511), for what a real one never says. */
export function part(tag: number, ...held: readonly Buffer[]): Buffer {
  const body = Buffer.concat(held)
  const long = Buffer.from([0x84, 0, 0, 0, 0])
  long.writeUInt32BE(body.length, 1)
  const length = body.length < 128 ? Buffer.from([body.length]) : long
  return Buffer.concat([Buffer.from([tag]), length, body])
}

export function text(value: string): Buffer {
  return part(0x04, Buffer.from(value))
}

export function message(id: number, ...held: readonly Buffer[]): Buffer {
  return part(0x30, part(0x02, Buffer.from([id >> 8, id & 0xff])), ...held)
}

export const success: readonly Buffer[] = [part(0x0a, Buffer.from([0])), text(''), text('')]

export function entry(dn: string, attributes: Readonly<Record<string, string>>): Buffer {
  const all = Object.entries(attributes).map(([name, value]) => {
    return part(0x30, text(name), part(0x31, text(value)))
  })
  return part(0x64, text(dn), part(0x30, ...all))
}

/** Where the next page begins (RFC 2696); empty for the last one. */
export function pageControl(cookie: string): Buffer {
  const page = part(0x30, part(0x02, Buffer.from([0])), text(cookie))
  const isCritical = part(0x01, Buffer.from([0]))
  return part(0x30, text('1.2.840.113556.1.4.319'), isCritical, part(0x04, page))
}
