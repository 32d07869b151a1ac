import ts from 'typescript'

export interface Source {
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  /** Only of TypeScript and JavaScript. */
  readonly tree: ts.SourceFile | undefined
  readonly isTest: boolean
}

export interface Finding {
  readonly path: string
  readonly line: number
  readonly rule: string
  readonly text: string
}

export function parseSource(path: string, text: string): Source {
  const isCode = /\.(ts|mjs|js)$/.test(path)
  return {
    path,
    text,
    lines: text.split('\n'),
    tree: isCode ? ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true) : undefined,
    isTest: /\.test\.ts$|^tests\//.test(path),
  }
}

export function find(source: Source, rule: string, text: string, node?: ts.Node | number): Finding {
  const line = typeof node === 'object' ? lineOf(source, node) : (node ?? 1)
  return { path: source.path, line, rule, text }
}

export function visit(source: Source, look: (node: ts.Node) => void): void {
  const walk = (node: ts.Node) => {
    look(node)
    ts.forEachChild(node, walk)
  }
  if (source.tree !== undefined) walk(source.tree)
}

export interface ImportedName {
  readonly specifier: string
  readonly node: ts.Node
}

/** Of imports, re-exports, `import()` and `import('x').Type` alike. */
export function importedNames(source: Source): ImportedName[] {
  const names: ImportedName[] = []
  visit(source, node => {
    const literal = specifierOf(node)
    if (literal !== undefined) names.push({ specifier: literal.text, node: literal })
  })
  return names
}

function specifierOf(node: ts.Node): ts.StringLiteral | undefined {
  let literal: ts.Node | undefined
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) literal = node.moduleSpecifier
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    literal = node.argument.literal
  }
  const isImportCall =
    ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
  if (isImportCall) literal = node.arguments[0]
  return literal !== undefined && ts.isStringLiteral(literal) ? literal : undefined
}

function lineOf(source: Source, node: ts.Node): number {
  const { tree } = source
  if (tree === undefined) return 1
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}

/** True for a path under one of the folders, or for the file itself. */
export function isIn(path: string, places: readonly string[]): boolean {
  return places.some(place => path === place || path.startsWith(`${place}/`))
}
