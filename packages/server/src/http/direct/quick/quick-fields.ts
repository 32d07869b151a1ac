import { isHex } from '@holdfast/core/ids.ts'
import { HeaderNames } from '../../parse/header-names.ts'

/**
 * Names in lower case and values in turn; undefined when they are not plain enough. The names are
 * the same object as long as a client sends the same ones. `besides` is the same object as long as
 * nothing of all the lines changes but the signature.
 */
export type ReadHeaders<Headers> = (
  raw: readonly string[],
  names: HeaderNames,
  besides?: Besides,
) => Headers | undefined

/** Stands for all lines but for the signature at the end of the one that has it. */
export type Besides = WeakKey

/** What the lines below the first one say. */
export interface Fields<Headers> {
  readonly headers: Headers
  readonly traceparent: string | undefined
}

const LINE_END = '\r\n'
const NAME = /^[\w!#$%&'*+.^`|~-]+$/
/** Anything but blanks, tabs and visible ASCII: no line break of any kind, no byte above it. */
const UNUSUAL = /[^\t\x20-\x7e]/

/** Of a head: what is behind them is read anew each time. */
const KEPT_LINES_MAX = 16

const SIGNED = 'authorization'
/** Hex digits of a signature. */
const SIGNATURE_CHARS = 64

/** Lines that end in another signature each time and are the same otherwise. */
interface SignedLines {
  readonly besides: Besides
  readonly before: string
  readonly after: string
  readonly raw: readonly string[]
  readonly names: HeaderNames
  /** Of the value that ends with the signature, in `raw`. */
  readonly place: number
  readonly traceparent: string | undefined
}

interface Line {
  /** With its line break, so that no other line begins with it. */
  readonly text: string
  readonly name: string
  readonly value: string
}

/**
 * Reads the lines of one connection below the first one, which must be such that all parsers read
 * them alike. A client mostly says the same each time, or all but a line or two: that is read once.
 */
export class QuickFields<Headers> {
  readonly #headersOf: ReadHeaders<Headers>
  readonly #lines: Line[] = []
  /** Of the lines read last. */
  #names: HeaderNames | undefined
  #text: string | undefined
  #fields: Fields<Headers> | undefined
  #signed: SignedLines | undefined

  constructor(headersOf: ReadHeaders<Headers>) {
    this.#headersOf = headersOf
  }

  /** All lines, each with its line break; undefined when one is not plain. */
  read(text: string): Fields<Headers> | undefined {
    if (text !== this.#text) {
      this.#fields = this.#signed && this.#readSigned(text, this.#signed)
      this.#fields ??= this.#readAnew(text)
      this.#text = text
    }
    return this.#fields
  }

  /** Undefined when more has changed than the signature. */
  #readSigned(text: string, signed: SignedLines): Fields<Headers> | undefined {
    const { before, after, besides, names, place, traceparent } = signed
    const end = before.length + SIGNATURE_CHARS
    if (text.length !== end + after.length) return undefined
    if (text.slice(0, before.length) !== before || text.slice(end) !== after) return undefined
    const signature = text.slice(before.length, end)
    if (!isHex(signature)) return undefined
    const raw = signed.raw.slice()
    raw[place] = (raw[place] ?? '').slice(0, -SIGNATURE_CHARS) + signature
    const headers = this.#headersOf(raw, names, besides)
    return headers && { headers, traceparent }
  }

  #readAnew(text: string): Fields<Headers> | undefined {
    const raw: string[] = []
    const before = this.#names
    this.#names = undefined
    this.#signed = undefined
    let traceparent: string | undefined
    let signedEnd = 0
    let isNew = false
    for (let at = 0, number = 0; at < text.length; number += 1) {
      const known = this.#lines[number]
      const line = lineAt(text, at, known)
      if (line === undefined) return undefined
      if (line.name === 'traceparent') {
        if (traceparent !== undefined) return undefined
        traceparent = line.value
      }
      if (line !== known) {
        isNew ||= line.name !== known?.name
        if (number < KEPT_LINES_MAX) this.#lines[number] = line
      }
      raw.push(line.name, line.value)
      at += line.text.length
      if (line.name === SIGNED) signedEnd = at - LINE_END.length
    }
    const names = isNew || before?.count !== raw.length / 2 ? new HeaderNames(raw) : before
    this.#names = names
    const signed = signedLines({ text, signedEnd, raw, names, traceparent })
    this.#signed = signed
    const headers = this.#headersOf(raw, names, signed?.besides)
    return headers && { headers, traceparent }
  }
}

interface ReadLines extends Pick<SignedLines, 'raw' | 'names' | 'traceparent'> {
  readonly text: string
  /** Where the line with the signature ends. */
  readonly signedEnd: number
}

/** Undefined unless one line ends in a signature, with nothing behind it. */
function signedLines({ text, signedEnd, ...lines }: ReadLines): SignedLines | undefined {
  const place = lines.names.placesOf(SIGNED)
  if (typeof place !== 'number') return undefined
  const value = lines.raw[place] ?? ''
  const start = signedEnd - SIGNATURE_CHARS
  const signature = text.slice(start, signedEnd)
  const isSigned = value.length > SIGNATURE_CHARS && value.endsWith(signature) && isHex(signature)
  if (!isSigned) return undefined
  return {
    ...lines,
    place,
    besides: {},
    before: text.slice(0, start),
    after: text.slice(signedEnd),
  }
}

/** Cut out and compared: `startsWith` takes four times as long. */
function lineAt(text: string, at: number, known: Line | undefined): Line | undefined {
  if (known !== undefined && text.slice(at, at + known.text.length) === known.text) return known
  return readLine(text.slice(at, text.indexOf(LINE_END, at) + LINE_END.length))
}

function readLine(text: string): Line | undefined {
  const colon = text.indexOf(':')
  const given = text.slice(0, Math.max(0, colon))
  const rest = text.slice(0, -LINE_END.length)
  if (!NAME.test(given) || UNUSUAL.test(rest)) return undefined
  const value = rest.slice(colon + 1).trim()
  const name = given.toLowerCase()
  if (name === 'connection' && value.toLowerCase() !== 'keep-alive') return undefined
  return { text, name, value }
}
