import ts from 'typescript'
import { type Finding, find, isIn, type Source, visit } from './source.ts'

/** Where each thing of the surrounding world may be touched; `name` is as it reads in code. */
export type Homes = Readonly<Record<string, readonly string[]>>

/** The world enters through ports: the clock, the random source and the process have homes. */
export function homeRules(source: Source, homes: Homes): Finding[] {
  if (source.isTest) return []
  const found: Finding[] = []
  visit(source, node => {
    const name = touched(node)
    const places = name === undefined ? undefined : homes[name]
    if (places === undefined || isIn(source.path, places)) return
    found.push(find(source, 'homes', `${name} belongs to its home files`, node))
  })
  return found
}

function touched(node: ts.Node): string | undefined {
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date') {
    return (node.arguments?.length ?? 0) === 0 ? 'new Date()' : undefined
  }
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const owner = node.expression.text
    if (owner === 'console' || owner === 'process') return owner
    return `${owner}.${node.name.text}`
  }
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) return node.expression.text
  return undefined
}
