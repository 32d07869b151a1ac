import type { Lab } from '../open-lab.ts'
import type { Caller } from '../people.ts'
import type { Pair } from '../s3/sign.ts'
import type { Answer, Asked, Tree } from '../wire.ts'

/** Somebody at both doors. */
export interface Person extends Caller {
  readonly pair: Pair
}

/** A small world of its own, with names of its own, that nobody else changes. */
export interface Scene {
  readonly lab: Lab
  /** Stands in every name that was made for it. */
  readonly mark: string
  readonly owner: Person
  /** Whom the owner has opened what it has to. */
  readonly guest: Person
  readonly admin: Person
  readonly bucket: string
  readonly bucketId: string
  /** What its acts ask for by time goes by this one. */
  readonly beganMs: number
  readonly ids: Readonly<Record<string, string>>
  /** What the acts of this run have made ready, by their names. */
  readonly made: Map<string, Readonly<Record<string, string>>>
}

/** How the bucket of a scene is: `bare` holds nothing but an upload that is open. */
export type Shape = 'bare' | 'plain' | 'versioned' | 'locked'

export type Door = 'rest' | 's3'
export type Send = (door: Door, asked: Asked) => Promise<Answer>

/** Something that is done, by one request or several. */
export interface Act {
  readonly name: string
  /** About the bucket, or the user, as a whole. */
  readonly isWide: boolean
  /** Of one request, which can be held. */
  readonly isOne: boolean
  prepare?(scene: Scene): Promise<Readonly<Record<string, string>>>
  run(scene: Scene, send: Send): Promise<void>
}

export interface Stage {
  readonly name: string
  readonly acts: readonly Act[]
  /** Whether they touch a common thing here. */
  meet(one: Act, other: Act): boolean
  open(mark: string): Promise<Scene>
  /** All that there is of it by now. */
  state(scene: Scene): Promise<Tree>
}

export function codeOf({ status, text }: Answer): string {
  const code = /"code":"(\w+)"/.exec(text)?.[1] ?? /<Code>(\w+)<\/Code>/.exec(text)?.[1]
  if (status < 300 && code === undefined) return 'done'
  return `${status}${code === undefined ? '' : ` ${code}`}`
}
