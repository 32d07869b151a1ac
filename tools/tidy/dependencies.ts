import { dirname } from 'node:path/posix'
import { type Finding, find, importedNames, type Source } from './source.ts'

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** A file imports only packages that its own package.json names; tests also those of the root. */
export function dependencyRules(sources: readonly Source[]): Finding[] {
  const manifests = new Map<string, Manifest>()
  const found: Finding[] = []
  for (const source of sources) {
    if (!/(^|\/)package\.json$/.test(source.path)) continue
    const manifest: Manifest = JSON.parse(source.text)
    manifests.set(dirname(source.path), manifest)
    found.push(...looseVersions(source, manifest))
  }
  const root = manifests.get('.')
  for (const source of sources) {
    const own = manifests.get(homeOf(source.path, manifests))
    if (own === undefined) continue
    const known = new Set([own.name, ...Object.keys(own.dependencies ?? {})])
    for (const name of Object.keys(own.devDependencies ?? {})) known.add(name)
    for (const { specifier, node } of importedNames(source)) {
      const name = packageOf(specifier)
      if (name === undefined || known.has(name)) continue
      if (source.isTest && isForTests(name, root)) continue
      found.push(find(source, 'dependencies', `${own.name} does not depend on ${name}`, node))
    }
  }
  return found
}

function looseVersions(source: Source, manifest: Manifest): Finding[] {
  const all = { ...manifest.dependencies, ...manifest.devDependencies }
  return Object.entries(all).flatMap(([name, version]) =>
    /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)
      ? []
      : find(source, 'dependencies', `${name}: ${version} is not one exact version`),
  )
}

function isForTests(name: string, root: Manifest | undefined): boolean {
  return name.startsWith('@holdfast/') || root?.devDependencies?.[name] !== undefined
}

function homeOf(path: string, manifests: ReadonlyMap<string, Manifest>): string {
  let folder = dirname(path)
  while (!manifests.has(folder) && folder !== '.') folder = dirname(folder)
  return folder
}

function packageOf(specifier: string): string | undefined {
  if (/^(\.|node:)/.test(specifier)) return undefined
  return /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0]
}
