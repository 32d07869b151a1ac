import { SaxesParser } from 'saxes'
import { S3Error } from '../errors.ts'

/**
 * Request documents as trees of texts. No entities but the five of XML, no DOCTYPE, no values: what
 * `<Key>007</Key>` names is `007`, and `<Key> a </Key>` has its spaces.
 */
export interface XmlElement {
  /** Without prefix. */
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  /** Character data directly inside, as sent. */
  readonly text: string
}

const DEPTH_MAX = 16
const ELEMENTS_MAX = 100_000
const TEXT_CHARS_MAX = 2 * 1024 * 1024
const ATTRIBUTES_MAX = 16

interface Growing {
  readonly name: string
  readonly attributes: Record<string, string>
  readonly children: Growing[]
  text: string
}

/** The root, which must have the name. MalformedXML for everything else. */
export function readXml(bytes: Uint8Array, rootName: string): XmlElement {
  const root = parse(decode(bytes))
  if (root.name !== rootName) throw malformed()
  return root
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw malformed()
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are the point
const CONTROLS = /[\u0001-\u0008\u000b\u000c\u000e-\u001f]/
const CONTROL_REFERENCE = /&#(?:0*(?:[1-8]|1[124-9]|2\d|3[01])|x0*(?:[1-8bcef]|1[\da-f]));/i
/** XML 1.1 makes a line feed of them; such a text is read as 1.0 or not at all. */
const LINE_ENDS = /[\u0085\u2028]/

/**
 * Keys may hold control characters, and S3 writes and reads them as references, which only XML 1.1
 * has. A document without them is XML 1.0; raw they are in neither.
 */
function parse(text: string): XmlElement {
  const isLater = CONTROL_REFERENCE.test(text) && !LINE_ENDS.test(text) && !CONTROLS.test(text)
  const version = isLater ? ({ defaultXMLVersion: '1.1', forceXMLVersion: true } as const) : {}
  const parser = new SaxesParser({ xmlns: false, position: false, ...version })
  const open: Growing[] = []
  let root: Growing | undefined
  let elements = 0
  let chars = 0
  let given = 0
  parser.on('error', () => {
    throw malformed()
  })
  parser.on('doctype', () => {
    throw malformed()
  })
  // Each as it comes: a tag of a million of them would be read to its end first.
  parser.on('attribute', () => {
    given += 1
    if (given > ATTRIBUTES_MAX) throw malformed()
  })
  parser.on('opentag', tag => {
    elements += 1
    const attributes = Object.entries(tag.attributes).map(([name, value]) => [name, String(value)])
    if (elements > ELEMENTS_MAX || open.length >= DEPTH_MAX) throw malformed()
    given = 0
    const element: Growing = {
      name: tag.name.slice(tag.name.indexOf(':') + 1),
      attributes: Object.fromEntries(attributes),
      children: [],
      text: '',
    }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  parser.on('closetag', () => {
    open.pop()
  })
  const keep = (piece: string) => {
    chars += piece.length
    const inside = open.at(-1)
    if (chars > TEXT_CHARS_MAX) throw malformed()
    if (inside !== undefined) inside.text += piece
  }
  parser.on('text', keep)
  parser.on('cdata', keep)
  parser.write(text).close()
  if (root === undefined) throw malformed()
  return root
}

/** The one child of the name, or undefined. Two of them would leave open which one counts. */
export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  const found = childrenOf(element, name)
  if (found.length > 1) throw malformed()
  return found[0]
}

export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter(child => child.name === name)
}

/** S3 holds documents to its schema: what is misspelt must not count as if it were not there. */
export function requireOnly({ children }: XmlElement, ...names: readonly string[]): void {
  if (children.some(({ name }) => !names.includes(name))) throw malformed()
}

/** Text of the one child of the name. */
export function textOf(element: XmlElement, name: string): string | undefined {
  return childOf(element, name)?.text
}

export function requiredText(element: XmlElement, name: string): string {
  const text = textOf(element, name)
  if (text === undefined) throw malformed()
  return text
}

/** `true` or `false`, in any case; undefined where the element is missing. */
export function booleanOf(element: XmlElement, name: string): boolean | undefined {
  const text = textOf(element, name)?.trim().toLowerCase()
  if (text === undefined) return undefined
  if (text !== 'true' && text !== 'false') throw malformed()
  return text === 'true'
}

export function malformed(message?: string): S3Error {
  return new S3Error('MalformedXML', message === undefined ? {} : { message })
}
