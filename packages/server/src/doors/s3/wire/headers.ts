import type { Besides } from '../../../http/direct/quick/quick-fields.ts'
import { HeaderNames } from '../../../http/parse/header-names.ts'
import { utf8Text } from './uri.ts'

/** The headers of a request as they came: names in lower case, every value kept. */
export class RequestHeaders {
  readonly #raw: readonly string[]
  /** The same object for requests that have the same names, where somebody keeps them. */
  readonly #names: HeaderNames
  /** The same object for requests that differ in nothing but their signature; mostly absent. */
  readonly besides: Besides | undefined

  /** Names and values in turn, as Node has them: each char one byte. */
  constructor(raw: readonly string[], names = new HeaderNames(raw), besides?: Besides) {
    this.#raw = raw
    this.#names = names
    this.besides = besides
  }

  /** All values joined by commas; undefined where there is none. */
  get(name: string): string | undefined {
    const places = this.#names.placesOf(name)
    if (typeof places === 'number') return this.#raw[places]
    return places?.map(place => this.#raw[place]).join(',')
  }

  /** The value as text; bytes that are no UTF-8 come back as the same bytes. */
  text(name: string): string | undefined {
    const value = this.get(name)
    return value === undefined ? undefined : textOfHeader(value)
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  get names(): HeaderNames {
    return this.#names
  }

  /** These and further ones; what is here already wins. */
  with(further: ReadonlyMap<string, string>): RequestHeaders {
    const raw = [...this.#raw]
    for (const [name, value] of further) {
      if (!this.has(name)) raw.push(name, Buffer.from(value).toString('latin1'))
    }
    return new RequestHeaders(raw)
  }

  /** `name:value,value` with spaces trimmed and collapsed, for SigV4. */
  canonical(name: string): string {
    const places = this.#names.placesOf(name) ?? []
    const valueAt = (place: number) => squeezed(this.#raw[place] ?? '')
    const text = typeof places === 'number' ? valueAt(places) : places.map(valueAt).join(',')
    return `${name}:${text}`
  }
}

/**
 * Without blanks and tabs around it. `trim` takes the byte A0 as well, with which letters end in
 * UTF-8, such as `à`; a pattern takes the square of the length to fail.
 */
export function withoutBlanks(value: string): string {
  let [from, to] = [0, value.length]
  while (from < to && isBlank(value.charCodeAt(from))) from += 1
  while (from < to && isBlank(value.charCodeAt(to - 1))) to -= 1
  return value.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function squeezed(value: string): string {
  const text = withoutBlanks(value)
  return text.includes('  ') ? text.replaceAll(/ +/g, ' ') : text
}

/** Any other char takes more bytes of UTF-8; to count them is faster than to look. */
export function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length
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
