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
  const inner = writeContent(content)
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name}${space}>${inner}</${name}>`
}

export function writeNode([name, content]: XmlNode): string {
  if (content === undefined) return ''
  if (typeof content === 'object' && 'attributes' in content) {
    const attributes = Object.entries(content.attributes)
      .map(([attribute, value]) => ` ${attribute}="${escapeXml(value)}"`)
      .join('')
    return `<${name}${attributes}>${writeContent(content.nodes)}</${name}>`
  }
  return `<${name}>${writeContent(content)}</${name}>`
}

function writeContent(content: XmlContent): string {
  if (content === undefined) return ''
  if (typeof content !== 'object') return escapeXml(String(content))
  if ('attributes' in content) return content.nodes.map(writeNode).join('')
  let text = ''
  for (const node of content) if (node !== undefined) text += writeNode(node)
  return text
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
const SPECIAL = /[&<>"'\u0000-\u001f\u007f-\u009f\ufffe\uffff]/g
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
  return text.replaceAll(SPECIAL, char => {
    return NAMED[char] ?? `&#x${char.charCodeAt(0).toString(16).toUpperCase()};`
  })
}
