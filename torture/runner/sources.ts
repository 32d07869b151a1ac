import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const rooms = ['apps', 'packages', 'torture']
/** Made of the sources, or written by other runs. */
const passedOver = new Set(['node_modules', 'dist', 'results'])
const isSource = (name: string) => /\.(?:[cm]?[jt]s|wasm)$/.test(name) || name === 'package.json'
const namedMost = 3

/** Digests of all files that programs are run from, by path. */
export type Sources = ReadonlyMap<string, string>

export function sourcesOf(root: string): Sources {
  const found = new Map<string, string>()
  const walk = (dir: string): void => {
    for (const entry of readdirSync(join(root, dir), { withFileTypes: true })) {
      const path = `${dir}/${entry.name}`
      if (entry.isDirectory() && !passedOver.has(entry.name) && !entry.name.startsWith('.')) {
        walk(path)
      } else if (entry.isFile() && isSource(entry.name)) {
        found.set(
          path,
          createHash('sha1')
            .update(readFileSync(join(root, path)))
            .digest('hex'),
        )
      }
    }
  }
  for (const room of rooms) walk(room)
  return found
}

/**
 * What a run proves when its sources were changed under it: nothing. It has loaded its own modules,
 * while servers and recordings that it starts later run the new ones. A merge in the middle of T03
 * once gave its recorded catalog columns that the judge did not know. Undefined for no change.
 */
export function changeOf(before: Sources, after: Sources): string | undefined {
  const paths = new Set([...before.keys(), ...after.keys()])
  const changed = [...paths].filter(path => before.get(path) !== after.get(path)).sort()
  if (changed.length === 0) return undefined
  const others = changed.length > namedMost ? ` and ${changed.length - namedMost} more` : ''
  return (
    `the sources changed while it ran, so it proves nothing, and failures may come of that; ` +
    `run it again: ${changed.slice(0, namedMost).join(', ')}${others}`
  )
}
