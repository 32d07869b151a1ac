import type { XmlNode } from '../xml/write.ts'

/** Who owns something, by principal id. The id is the name, too: keys may be renamed or gone. */
export function ownerNode(id: string, name = 'Owner'): XmlNode {
  return [
    name,
    [
      ['ID', id],
      ['DisplayName', id],
    ],
  ]
}
