import { createHash } from 'node:crypto'
import { canary } from '../people.ts'
import type { Tree } from '../wire.ts'
import type { Scene } from './race.ts'

/** Differ from run to run, and say nothing. */
const UNTOLD: ReadonlySet<string> = new Set([
  ...[
    'seq',
    'endings',
    'createdSeq',
    'lastUsedAt',
    'updatedAt',
    'bucketSeq',
    'requestId',
    'lastIp',
  ],
  ...['sealedSecret', 'hash', 'prefix', 'clientId', 'lastLoginAt', 'lastStep'],
])
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g
const SERIAL = /\b(free|mx-[a-z-]*?|mx-service|s3-new)([/-])\d[\d-]*/g

/** The state with names in place of what differs from run to run: ids by order of appearance. */
export function told(state: Tree, scene: Scene): string {
  const names = new Map<string, string>([
    [scene.owner.id, '<owner>'],
    [scene.guest.id, '<guest>'],
    [scene.admin.id, '<admin>'],
    [scene.bucketId, '<bucket>'],
    ...Object.entries(scene.ids).map(([name, id]) => [id, `<${name}>`] as const),
  ])
  // What the rows of the matrix put as a second version.
  const second = (by: 'md5' | 'sha256') =>
    createHash(by).update(`${canary} 2 ${scene.ids.k}`).digest('hex')
  const text = JSON.stringify(state, toldOf, 1)
  return text
    .replaceAll(scene.mark, '<mark>')
    .replaceAll(second('sha256'), '<sha256 of the second>')
    .replaceAll(second('md5'), '<md5 of the second>')
    .replaceAll(TIME, '<time>')
    .replaceAll(/(?<=sa_default_<mark>_)[0-9a-f]{12}/g, '<n>')
    .replaceAll(SERIAL, '$1$2<n>')
    .replaceAll(/"name": "\d+"/g, '"name": "<n>"')
    .replaceAll(UUID, id => {
      const known = names.get(id)
      if (known !== undefined) return known
      const name = `<id ${names.size}>`
      names.set(id, name)
      return name
    })
}

function toldOf(name: string, value: unknown): unknown {
  if (UNTOLD.has(name)) return undefined
  // Codes by chance: how many there are is what counts.
  return name === 'recovery' && Array.isArray(value) ? value.length : value
}

/** The lines of one that the other has not, and the other way about. */
export function difference(is: string, was: string): string {
  const [some, others] = [is.split('\n'), was.split('\n')]
  const lost = others.filter(line => !some.includes(line)).map(line => `  - ${line.trim()}`)
  const more = some.filter(line => !others.includes(line)).map(line => `  + ${line.trim()}`)
  return [...lost, ...more].slice(0, 12).join('\n') || '  (the same lines in another order)'
}
