import type { Answer, Tree } from '../wire.ts'
import type { Person } from './persons.ts'
import { type AssetRow, atKey, bucketOf, holdsContent, type Rows, trashedAt } from './rows.ts'
import type { Question } from './rule.ts'
import type { Stage } from './stage.ts'
import type { Place, Step } from './steps.ts'

/** Where and by whom a step is done. */
export interface Scene {
  readonly stage: Stage
  readonly rows: Rows
  readonly person: Person
  readonly step: Step
}

/** A write that can be sent. */
export interface Write {
  /** What the sender brings, and may know afterwards. */
  readonly brings: readonly string[]
  /** The right that it takes first. */
  readonly asks: Question
  /** Nothing but that right is asked. */
  readonly isAlone?: boolean
  run(): Promise<Answer>
}

/** Undefined where there is nothing to do it to. */
export type Act = (scene: Scene) => Write | undefined

export interface Acts {
  readonly [name: string]: Act
}

export function bucketAt({ stage }: Scene, { bucket }: Place): string {
  return stage.buckets[bucket] ?? ''
}

/** What holds the key, or, for acts by id and now and then, the newest in the trash that had it. */
export function found(scene: Scene): AssetRow | undefined {
  const { rows, step } = scene
  const bucket = bucketAt(scene, step.at)
  const trashed = trashedAt(rows, bucket, step.at.key)
  const there = atKey(rows, bucket, step.at.key)
  return step.with === 7 ? (trashed ?? there) : (there ?? trashed)
}

export function holder(scene: Scene): AssetRow | undefined {
  return atKey(scene.rows, bucketAt(scene, scene.step.at), scene.step.at.key)
}

export function live(scene: Scene): AssetRow | undefined {
  const there = holder(scene)
  return there?.deletedAt === null ? there : undefined
}

export function onAsset(
  { rows }: Pick<Scene, 'rows'>,
  asset: AssetRow,
  permission: string,
  action: string,
): Question {
  return { permission, action: `s3:${action}`, bucket: bucketOf(rows, asset.bucket), asset }
}

/** What holds content there is asked; else the right to make something. */
export function onKey(scene: Scene, place: Place, permission: string, action: string): Question {
  const name = bucketAt(scene, place)
  const there = atKey(scene.rows, name, place.key)
  if (there !== undefined && holdsContent(there)) return onAsset(scene, there, permission, action)
  const fresh = { key: place.key, ownerId: scene.person.id }
  return { permission, action: `s3:${action}`, bucket: bucketOf(scene.rows, name), fresh }
}

export const nthOf = <T>(list: readonly T[], nth: number): T | undefined =>
  list.length === 0 ? undefined : list[nth % list.length]

const boundary = 'wr-boundary-5fQ2'

/** A form of REST. */
export function formOf(
  fields: Tree,
  file: string,
): { body: Buffer; headers: Record<string, string> } {
  const part = (head: string, text: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${text}\r\n`
  const texts = Object.entries<string>(fields).map(([name, text]) => part(`name="${name}"`, text))
  const head = 'name="file"; filename="a.txt"\r\nContent-Type: text/plain'
  const body = Buffer.from(`${texts.join('')}${part(head, file)}--${boundary}--\r\n`)
  return { body, headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } }
}
