import { basename } from 'node:path/posix'
import ts from 'typescript'
import { type Finding, find, type Source, visit } from './source.ts'

export interface NameSettings {
  /** In any declared name or file name, as a whole word of it. */
  readonly words: readonly string[]
  /** In names of files and folders. */
  readonly fileWords: readonly string[]
  /** At the end of names of classes, interfaces and types. */
  readonly typeEndings: readonly string[]
}

export function nameRules(source: Source, settings: NameSettings): Finding[] {
  if (source.tree === undefined) return []
  return [...fileFindings(source, settings), ...identifierFindings(source, settings)]
}

function fileFindings(source: Source, settings: NameSettings): Finding[] {
  const found: Finding[] = []
  const say = (text: string) => found.push(find(source, 'names', text))
  const parts = source.path.split('/')
  const name = basename(source.path)
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|worker|d))?\.(ts|mjs|js)$/.test(name)) {
    say('a file name is kebab-case')
  }
  if (/^index\./.test(name)) say('no index files: exports go by path')
  for (const word of parts.flatMap(part => part.split(/[-.]/))) {
    if (settings.fileWords.includes(word)) say(`"${word}" says nothing: name what it holds`)
  }
  return found
}

function identifierFindings(source: Source, settings: NameSettings): Finding[] {
  const found: Finding[] = []
  visit(source, node => {
    const name = declaredName(node)
    if (name === undefined) return
    const say = (text: string) => found.push(find(source, 'names', `${name}: ${text}`, node))
    const words = wordsOf(name)
    const banned = words.find(word => settings.words.includes(word))
    if (banned !== undefined) say(`"${banned}" says nothing`)
    if (/[a-z]V[2-9]$/.test(name)) say('a second version replaces the first')
    if (!isTypeLike(node)) return
    const ending = words.at(-1) ?? ''
    if (settings.typeEndings.includes(ending)) say(`a type is not named ...${ending}`)
    if (ts.isInterfaceDeclaration(node) && /^I[A-Z][a-z]/.test(name)) say('no I before interfaces')
  })
  return found
}

/** `readHTMLPage` and `read_html_page` are read, html, page. */
function wordsOf(name: string): string[] {
  const spaced = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
  return spaced
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[ _$]+/)
}

function isTypeLike(node: ts.Node): boolean {
  return (
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node)
  )
}

function declaredName(node: ts.Node): string | undefined {
  const declares =
    isTypeLike(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isMethodSignature(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isPropertySignature(node)
  if (!declares) return undefined
  const { name } = node as ts.NamedDeclaration
  if (name === undefined) return undefined
  return ts.isIdentifier(name) || ts.isPrivateIdentifier(name) ? name.text : undefined
}
