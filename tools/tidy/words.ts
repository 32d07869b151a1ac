import { type Finding, find, type Source } from './source.ts'

// Put together, so that this file does not hold what it looks for.
const unfinished = new RegExp(`\\b${'FIX'}${'ME'}\\b`)
const unnumbered = new RegExp(`\\b${'TO'}${'DO'}\\b(?!\\(#\\d+\\)| #\\d+)`)
const machinePath = new RegExp(`(?<![\\w.~-])/(?:${['work', 'root'].join('|')})/`)
const barrel = /^export \* from /

export function wordRules(source: Source): Finding[] {
  const found: Finding[] = []
  for (const [index, line] of source.lines.entries()) {
    const say = (text: string) => found.push(find(source, 'words', text, index + 1))
    if (unfinished.test(line)) say('unfinished work is not merged')
    if (unnumbered.test(line)) say('work to do carries the number of its issue')
    if (machinePath.test(line)) say('a path of one machine')
    if (source.tree !== undefined && barrel.test(line)) say('no barrels: exports go by path')
  }
  return found
}
