import { dirname } from 'node:path/posix'
import ts from 'typescript'
import { type Finding, find, isIn, type Source, visit } from './source.ts'

export interface SizeSettings {
  readonly fileLinesMax: number
  readonly functionLinesMax: number
  readonly columnsMax: number
  readonly folderFilesMax: number
  /** Long functions that were there when the rule came: `path#name` and how long they are. */
  readonly ratchet: Readonly<Record<string, number>>
  /** Places where functions are lists of tests. */
  readonly longFunctionsIn: readonly string[]
}

export function sizeRules(source: Source, settings: SizeSettings): Finding[] {
  if (source.tree === undefined) return []
  const found: Finding[] = []
  const lines = source.text.replace(/\n$/, '').split('\n').length
  if (lines > settings.fileLinesMax) {
    found.push(find(source, 'size', `${lines} lines, at most ${settings.fileLinesMax}`))
  }
  for (const [index, line] of source.lines.entries()) {
    if (line.length <= settings.columnsMax || hasLongToken(line)) continue
    found.push(find(source, 'columns', `${line.length} columns`, index + 1))
  }
  return [...found, ...functionFindings(source, settings)]
}

export function folderRules(sources: readonly Source[], settings: SizeSettings): Finding[] {
  const folders = new Map<string, Source[]>()
  for (const source of sources) {
    if (source.tree === undefined || source.isTest) continue
    const folder = dirname(source.path)
    folders.set(folder, [...(folders.get(folder) ?? []), source])
  }
  const max = settings.folderFilesMax
  return [...folders].flatMap(([folder, [first, ...rest]]) => {
    const count = rest.length + 1
    if (first === undefined || count <= max) return []
    return find({ ...first, path: folder }, 'size', `${count} source files, at most ${max}`)
  })
}

/** The entries that a ratchet file would need today. */
export function longFunctions(source: Source, settings: SizeSettings): Record<string, number> {
  const long: Record<string, number> = {}
  if (source.isTest || isIn(source.path, settings.longFunctionsIn)) return long
  visit(source, node => {
    const name = functionName(node)
    if (name === undefined) return
    const lines = node.getText().split('\n').length
    if (lines > settings.functionLinesMax) long[`${source.path}#${name}`] = lines
  })
  return long
}

function functionFindings(source: Source, settings: SizeSettings): Finding[] {
  const found: Finding[] = []
  const long = longFunctions(source, settings)
  for (const [key, lines] of Object.entries(long)) {
    const max = settings.ratchet[key] ?? settings.functionLinesMax
    if (lines > max) found.push(find(source, 'size', `${key}: ${lines} lines, at most ${max}`))
  }
  for (const [key, max] of Object.entries(settings.ratchet)) {
    if (!key.startsWith(`${source.path}#`)) continue
    const lines = long[key] ?? 0
    if (lines < max) found.push(find(source, 'ratchet', `${key} is shorter now: lower its entry`))
  }
  return found
}

function functionName(node: ts.Node): string | undefined {
  if (ts.isFunctionDeclaration(node)) return node.name?.text
  if (ts.isMethodDeclaration(node) || ts.isConstructorDeclaration(node)) {
    return node.name?.getText() ?? 'constructor'
  }
  if (ts.isFunctionExpression(node) || ts.isArrowFunction(node)) {
    return ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : undefined
  }
  return undefined
}

/** A link or a test vector cannot be broken. */
function hasLongToken(line: string): boolean {
  return line.split(/\s+/).some(token => token.length > 60)
}
