/** Answers as XML. A node is a name with its text or its nodes; undefined ones are left out. */
export type XmlNode = readonly [name: string, content: XmlContent]
export type XmlContent =
  | string
  | number
  | boolean
  | undefined
  | readonly (XmlNode | undefined)[]
  | { readonly attributes: Readonly<Record<string, string>>; readonly nodes: readonly XmlNode[] }

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

export function writeXml(name: string, content: XmlContent, namespace = NAMESPACE): string {
  const space = namespace === '' ? '' : ` xmlns="${namespace}"`
  const pieces = [`<?xml version="1.0" encoding="UTF-8"?>\n<${name}${space}>`]
  addContent(pieces, content)
  pieces.push(`</${name}>`)
  return pieces.join('')
}

/** A time as S3 tells it in documents: in whole seconds, as `Last-Modified` does. */
export function wholeSeconds(time: string): string {
  return `${time.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}.000Z`
}

export function writeNode(node: XmlNode): string {
  const pieces: string[] = []
  addNode(pieces, node)
  return pieces.join('')
}

/** Joined only at the end: texts made of texts are what the collector spends its time on. */
function addNode(pieces: string[], [name, content]: XmlNode): void {
  if (content === undefined) return
  pieces.push('<', name)
  if (typeof content === 'object' && 'attributes' in content) {
    for (const [attribute, value] of Object.entries(content.attributes)) {
      pieces.push(` ${attribute}="${escapeXml(value)}"`)
    }
  }
  pieces.push('>')
  addContent(pieces, content)
  pieces.push('</', name, '>')
}

function addContent(pieces: string[], content: XmlContent): void {
  if (content === undefined) return
  if (typeof content === 'string') pieces.push(escapeXml(content))
  else if (typeof content !== 'object') pieces.push(String(content))
  else {
    const nodes = 'attributes' in content ? content.nodes : content
    for (const node of nodes) if (node !== undefined) addNode(pieces, node)
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
const SPECIAL = /[&<>"'\u0000-\u001f\u007f-\u009f\ufffe\uffff]/
const ALL_SPECIAL = new RegExp(SPECIAL, 'g')
const NAMED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/**
 * Control characters go as references, as S3 sends them: XML 1.0 cannot hold most of them at all,
 * which is why listings have `encoding-type=url`.
 */
export function escapeXml(text: string): string {
  // Most texts have none, and to look for one costs a third of replacing.
  if (!SPECIAL.test(text)) return text
  return text.replaceAll(ALL_SPECIAL, char => {
    return NAMED[char] ?? `&#x${char.charCodeAt(0).toString(16).toUpperCase()};`
  })
}
