import { readFileSync, writeFileSync } from 'node:fs'

const begin = '<!-- figures: written by npm run bench -- --write-docs -->'
const end = '<!-- /figures -->'

/** Puts the text between the two marks of the document. */
export function writeDocs(file: string, text: string): void {
  const document = readFileSync(file, 'utf8')
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${file} has no place for figures`)
  const before = document.slice(0, from + begin.length)
  writeFileSync(file, `${before}\n\n${text}\n\n${document.slice(to)}`)
}
