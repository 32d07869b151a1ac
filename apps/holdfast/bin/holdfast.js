#!/usr/bin/env node
// Runs under any Node from 20 on. The program itself needs the Node of `engines`: an older one
// would crash inside the SQLite addon, so nothing else is imported before that is certain.
import { existsSync } from 'node:fs'
import module from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'
import { nodeFits, prepare, root, run } from '../../../tools/bootstrap.mjs'

/** Elsewhere it does without. */
const canReplace = process.platform !== 'win32' && process.execve !== undefined
const installed = existsSync(join(root, 'node_modules', '@holdfast', 'server'))

if (nodeFits() && installed) {
  // Compiled once and kept beside the packages: starts in half the time and 50 MiB smaller, as
  // what strips the types is not needed again. Where nothing can be written it is done without.
  const cache = join(root, 'node_modules', '.cache', 'holdfast')
  module.enableCompileCache(cache)
  // Threads read it from here.
  process.env.NODE_COMPILE_CACHE ??= cache
  // Large writes and their syncs take up to six of these threads; reads need some as well.
  process.env.UV_THREADPOOL_SIZE ??= '8'
  // Young memory of 4 MiB that does not grow, and old memory that is collected when it has grown by
  // two fifths: a hundred transfers need 100 MiB less. Less than 4 MiB would cost small requests a
  // quarter of their speed, and is what V8 begins with: its size can only be set at a start.
  v8.setFlagsFromString('--semi-space-growth-factor=1')
  v8.setFlagsFromString('--heap-growing-percent=40')
  const young = '--min-semi-space-size=4'
  if (process.argv[2] === 'serve' && !process.execArgv.includes(young) && canReplace) {
    const args = [...process.execArgv, young, fileURLToPath(import.meta.url)]
    process.execve(process.execPath, [process.execPath, ...args, ...process.argv.slice(2)])
  }
  await import('../src/main.ts')
} else {
  const node = await prepare()
  await run(node, 'node', [fileURLToPath(import.meta.url), ...process.argv.slice(2)])
}
