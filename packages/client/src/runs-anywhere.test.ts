import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import test from 'node:test'
import ts from 'typescript'

test('at run time the client imports nothing but itself', () => {
  const files = globSync('**/*.ts', { cwd: import.meta.dirname })
  const sources = files.filter(file => !file.endsWith('.test.ts'))
  assert.ok(sources.includes('client.ts'))
  for (const file of sources) {
    for (const name of valueImports(`${import.meta.dirname}/${file}`)) {
      assert.match(name, /^\.{1,2}\//, `${file} imports ${name}`)
    }
  }
})

/** What is left of the imports when the types are gone. */
function valueImports(file: string): string[] {
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ESNext, verbatimModuleSyntax: true },
  })
  return ts.preProcessFile(outputText).importedFiles.map(({ fileName }) => fileName)
}
