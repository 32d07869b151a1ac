#!/usr/bin/env node
// Runs under any Node from 20 on. The program itself needs the Node of `engines`: an older one
// would crash inside the SQLite addon, so nothing else is imported before that is certain.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFits, prepare, root, run } from '../../../tools/bootstrap.mjs'

const installed = existsSync(join(root, 'node_modules', '@holdfast', 'server'))

if (nodeFits() && installed) {
  await import('../src/main.ts')
} else {
  const node = await prepare()
  await run(node, 'node', [fileURLToPath(import.meta.url), ...process.argv.slice(2)])
}
