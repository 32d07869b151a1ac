import { HeaderNames } from '../../parse/header-names.ts'

/**
 * Names in lower case and values in turn; undefined when they are not plain enough. The names are
 * the same object as long as a client sends the same ones.
 */
export type ReadHeaders<Headers> = (
  raw: readonly string[],
  names: HeaderNames,
) => Headers | undefined

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

  constructor(headersOf: ReadHeaders<Headers>) {
    this.#headersOf = headersOf
  }

  /** All lines, each with its line break; undefined when one is not plain. */
  read(text: string): Fields<Headers> | undefined {
    if (text !== this.#text) {
      this.#fields = this.#readAnew(text)
      this.#text = text
    }
    return this.#fields
  }

  #readAnew(text: string): Fields<Headers> | undefined {
    const raw: string[] = []
    const before = this.#names
    this.#names = undefined
    let traceparent: string | undefined
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
    }
    const names = isNew || before?.count !== raw.length / 2 ? new HeaderNames(raw) : before
    this.#names = names
    const headers = this.#headersOf(raw, names)
    return headers && { headers, traceparent }
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
