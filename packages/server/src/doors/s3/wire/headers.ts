import { utf8Text } from './uri.ts'

/** The headers of a request as they came: names in lower case, every value kept. */
export class RequestHeaders {
  /** A list only where there are several: most requests have none such. */
  readonly #values = new Map<string, string | string[]>()

  /** Names and values in turn, as Node has them: each char one byte. */
  constructor(raw: readonly string[]) {
    for (let at = 0; at + 1 < raw.length; at += 2) {
      const name = (raw[at] ?? '').toLowerCase()
      const value = raw[at + 1] ?? ''
      const values = this.#values.get(name)
      if (values === undefined) this.#values.set(name, value)
      else if (typeof values === 'string') this.#values.set(name, [values, value])
      else values.push(value)
    }
  }

  /** All values joined by commas; undefined where there is none. */
  get(name: string): string | undefined {
    const values = this.#values.get(name)
    return typeof values === 'object' ? values.join(',') : values
  }

  /** The value as text; bytes that are no UTF-8 come back as the same bytes. */
  text(name: string): string | undefined {
    const value = this.get(name)
    return value === undefined ? undefined : textOfHeader(value)
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  names(): Iterable<string> {
    return this.#values.keys()
  }

  /** These and further ones; what is here already wins. */
  with(further: Iterable<readonly [string, string]>): RequestHeaders {
    const both = new RequestHeaders([])
    for (const [name, values] of this.#values) both.#values.set(name, values)
    for (const [name, value] of further) {
      if (!both.#values.has(name)) both.#values.set(name, Buffer.from(value).toString('latin1'))
    }
    return both
  }

  /** `name:value,value` with spaces trimmed and collapsed, for SigV4. */
  canonical(name: string): string {
    const values = this.#values.get(name) ?? ''
    const text = typeof values === 'string' ? squeezed(values) : values.map(squeezed).join(',')
    return `${name}:${text}`
  }
}

function squeezed(value: string): string {
  const text = value.trim()
  return text.includes('  ') ? text.replaceAll(/ +/g, ' ') : text
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
const ASCII = /^[\u0000-\u007f]*$/

export function isAscii(text: string): boolean {
  return ASCII.test(text)
}

/** Where single bytes that are no UTF-8 wait in a text: a corner of the private use area. */
const STRAY = 0xf700

function textOfHeader(value: string): string {
  if (isAscii(value)) return value
  const text = utf8Text(Buffer.from(value, 'latin1'))
  if (text !== undefined) return text
  return value.replaceAll(/[\u0080-\u00ff]/g, char => {
    return String.fromCharCode(STRAY + char.charCodeAt(0))
  })
}

/** A text as the value of a header: its UTF-8, one char for each byte. */
export function headerOfText(text: string): string {
  if (isAscii(text)) return text
  const stray = /[\uf780-\uf7ff]/
  return [...text]
    .map(char => {
      if (stray.test(char)) return String.fromCharCode(char.charCodeAt(0) - STRAY)
      return Buffer.from(char).toString('latin1')
    })
    .join('')
}

/** As a signer sees it who thinks in texts and sends Latin-1: its bytes in UTF-8. */
export function transcoded(canonical: string): string {
  return Buffer.from(canonical).toString('latin1')
}
