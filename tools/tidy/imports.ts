import { dirname, join } from 'node:path/posix'
import {
  type Finding,
  find,
  type ImportedName,
  importedNames,
  isIn,
  type Source,
} from './source.ts'

export interface Room {
  readonly folder: string
  /** Names of the other rooms it may import. */
  readonly imports: readonly string[]
}

export interface ImportSettings {
  readonly rooms: Readonly<Record<string, Room>>
  /** Only these files of a room may import that other room. */
  readonly only: readonly { from: string; to: string; files: readonly string[] }[]
  /** Subfolders of this folder never import each other. */
  readonly doors: string
  /** Node modules that only their home files may import. */
  readonly nodeHomes: Readonly<Record<string, readonly string[]>>
  /** Files that run before the packages are there, and reach them by path. */
  readonly byPath: readonly string[]
  /** Rooms that import nothing but themselves, not even from Node. */
  readonly bare: readonly string[]
}

interface Import extends ImportedName {
  /** Path in the repository, when it is one of our files. */
  readonly target: string | undefined
}

/** The directions between rooms, doors and home files. Tests may import any room. */
export function importRules(source: Source, settings: ImportSettings): Finding[] {
  if (settings.byPath.includes(source.path)) return []
  const room = roomOf(source.path, settings)
  const found: Finding[] = []
  for (const { specifier, node, target } of importsOf(source, settings)) {
    const say = (text: string) => found.push(find(source, 'imports', text, node))
    if (target === undefined) {
      const reason = outsideReason(source, specifier, room, settings)
      if (reason !== undefined) say(reason)
      continue
    }
    const other = roomOf(target, settings)
    if (other !== room && specifier.startsWith('.')) say(`import ${specifier} by its package name`)
    if (source.isTest || other === undefined || room === undefined) continue
    if (other !== room && !settings.rooms[room]?.imports.includes(other)) {
      say(`${room} may not import ${other}`)
    }
    const narrow = settings.only.find(rule => rule.from === room && rule.to === other)
    if (narrow !== undefined && !narrow.files.includes(source.path)) {
      say(`of ${room}, only ${narrow.files.join(', ')} imports ${other}`)
    }
    if (crossesDoors(source.path, target, settings.doors)) say('a door may not import another door')
  }
  return found
}

/** Groups of files that import each other, types included. */
export function cycleRules(sources: readonly Source[], settings: ImportSettings): Finding[] {
  const byPath = new Map(sources.map(source => [source.path, source]))
  const edges = new Map<string, string[]>()
  for (const source of sources) {
    const targets = importsOf(source, settings).flatMap(({ target }) => target ?? [])
    edges.set(source.path, targets)
  }
  return cyclesOf(edges).flatMap(cycle => {
    const source = byPath.get(cycle[0] ?? '')
    return source === undefined ? [] : find(source, 'cycle', cycle.join(' -> '))
  })
}

function outsideReason(
  source: Source,
  specifier: string,
  room: string | undefined,
  settings: ImportSettings,
): string | undefined {
  if (source.isTest || room === undefined) return undefined
  if (settings.bare.includes(room)) return `${room} imports nothing from outside: ${specifier}`
  const name = specifier.replace(/^node:/, '')
  const homes = settings.nodeHomes[name]
  if (homes === undefined || isIn(source.path, homes)) return undefined
  return `${specifier} belongs to its home files`
}

function crossesDoors(from: string, to: string, doors: string): boolean {
  if (!isIn(from, [doors]) || !isIn(to, [doors])) return false
  const doorOf = (path: string) => path.slice(doors.length + 1).split('/')[0]
  return doorOf(from) !== doorOf(to)
}

function roomOf(path: string, settings: ImportSettings): string | undefined {
  const rooms = Object.entries(settings.rooms)
  return rooms.find(([, { folder }]) => isIn(path, [folder]))?.[0]
}

function importsOf(source: Source, settings: ImportSettings): Import[] {
  return importedNames(source).map(({ specifier, node }) => {
    return { specifier, node, target: targetOf(source.path, specifier, settings) }
  })
}

function targetOf(from: string, specifier: string, settings: ImportSettings): string | undefined {
  if (specifier.startsWith('.')) return join(dirname(from), specifier)
  const [, name = '', rest] = /^@holdfast\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? []
  const room = settings.rooms[name]
  return room && join(room.folder, 'src', rest ?? `${name}.ts`)
}

/** Tarjan's strongly connected components; only those with more than one file, or a self-loop. */
function cyclesOf(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const cycles: string[][] = []
  const enter = (path: string): number => {
    const index = order.size
    order.set(path, index)
    low.set(path, index)
    stack.push(path)
    for (const next of edges.get(path) ?? []) lower(path, reach(next))
    if (low.get(path) === index) leave(path)
    return low.get(path) ?? index
  }
  const reach = (path: string): number | undefined => {
    if (!edges.has(path)) return undefined
    if (!order.has(path)) return enter(path)
    return stack.includes(path) ? order.get(path) : undefined
  }
  const lower = (path: string, value: number | undefined) => {
    if (value !== undefined && value < (low.get(path) ?? value)) low.set(path, value)
  }
  const leave = (path: string) => {
    const cycle = stack.splice(stack.indexOf(path)).sort()
    if (cycle.length > 1 || edges.get(path)?.includes(path)) cycles.push(cycle)
  }
  for (const path of edges.keys()) if (!order.has(path)) enter(path)
  return cycles
}
