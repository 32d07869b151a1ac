import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const functionsShown = 25

interface Profile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    readonly lineNumber: number
  }
}

/** Where the time went, one list per thread; shares are of the time that was not idle. */
export function profileSummary(dir: string): string {
  const names = readdirSync(dir).filter(name => name.endsWith('.cpuprofile'))
  const texts = names.sort().map(name => {
    const profile: Profile = JSON.parse(readFileSync(join(dir, name), 'utf8'))
    return `${name}\n${threadSummary(profile)}`
  })
  return texts.join('\n\n')
}

function threadSummary({ nodes, samples, timeDeltas }: Profile): string {
  const places = new Map(nodes.map(node => [node.id, placeOf(node)]))
  const micros = new Map<string, number>()
  let busy = 0
  let all = 0
  for (const [index, id] of samples.entries()) {
    const place = places.get(id) ?? 'unknown'
    const spent = timeDeltas[index] ?? 0
    all += spent
    if (place === '(idle)') continue
    busy += spent
    micros.set(place, (micros.get(place) ?? 0) + spent)
  }
  const top = [...micros].toSorted((a, b) => b[1] - a[1]).slice(0, functionsShown)
  const lines = top.map(([place, spent]) => {
    return `${((spent / busy) * 100).toFixed(1).padStart(5)} %  ${place}`
  })
  const seconds = `busy ${(busy / 1e6).toFixed(2)} of ${(all / 1e6).toFixed(2)} s`
  return [seconds, ...lines].join('\n')
}

function placeOf({ callFrame }: ProfileNode): string {
  const { functionName, url, lineNumber } = callFrame
  const name = functionName === '' ? '(anonymous)' : functionName
  const file = url.replace(/^.*\/(packages|apps|node_modules)\//, '$1/')
  return file === '' ? name : `${name}  ${file}:${lineNumber + 1}`
}
