import type { SeededRandom } from '../seeded-random.ts'
import type { FileNode } from './file-node.ts'
import type { Mood } from './mood.ts'

export type Node = FileNode | DirNode

/** Undefined takes the name away. All changes of one operation come together or not at all. */
export type EntryChange = readonly [name: string, node: Node | undefined]

interface DirOperation {
  /** Order among all operations of the disk: what a journal keeps. */
  readonly serial: number
  readonly changes: readonly EntryChange[]
  /** Its sync failed: no later sync makes it durable. */
  lost: boolean
}

/** Which of the unsynced operations of a directory survive a cut. */
export type DirOrder = 'subset' | 'prefix' | 'journal'

/** One directory: its names now, its names as synced, and the operations between the two. */
export class DirNode {
  readonly kind: 'dir' = 'dir'
  links = 1
  modifiedMs = 0
  readonly now = new Map<string, Node>()
  #durable = new Map<string, Node>()
  #pending: DirOperation[] = []

  get clean(): boolean {
    return this.#pending.length === 0
  }

  apply(changes: readonly EntryChange[], serial: number): void {
    const operation = { serial, changes, lost: false }
    change(this.now, operation.changes)
    this.#pending.push(operation)
  }

  /** Makes operations durable up to the given one. */
  sync(lastSerial = Number.POSITIVE_INFINITY): void {
    const synced = this.#pending.filter(({ serial, lost }) => serial <= lastSerial && !lost)
    const names = new Set<string>()
    for (const { changes } of synced) {
      change(this.#durable, changes)
      for (const [name] of changes) names.add(name)
    }
    const rest = this.#pending.filter(operation => !synced.includes(operation))
    this.#pending = rest.map(operation => (operation.lost ? without(operation, names) : operation))
  }

  syncFailed(): void {
    for (const operation of this.#pending) operation.lost = true
  }

  /** The operation that gave this node its newest name, when it is not durable yet. */
  serialOf(node: Node): number | undefined {
    return this.#pending.findLast(({ changes }) => changes.some(([, named]) => named === node))
      ?.serial
  }

  settle(): void {
    this.#durable = new Map(this.now)
    this.#pending = []
  }

  /** One legal set of names after a cut, still naming the nodes of the cut disk. */
  crashed(random: SeededRandom, mood: Mood, keeps: KeptOperations): Map<string, Node> {
    const names = new Map(this.#durable)
    const times = [0, ...this.#pending.map(({ serial }) => serial)]
    const end = mood.choose([...times.keys()], random, times)
    for (const [position, { serial, changes }] of this.#pending.entries()) {
      const kept = keeps(serial, position < end)
      if (kept) change(names, changes)
    }
    return names
  }
}

/** Decides on one operation; `inPrefix` says whether it lies in this directory's random prefix. */
export type KeptOperations = (serial: number, inPrefix: boolean) => boolean

function change(names: Map<string, Node>, changes: readonly EntryChange[]): void {
  for (const [name, node] of changes) {
    if (node === undefined) names.delete(name)
    else names.set(name, node)
  }
}

/** A lost operation must not undo what a later, synced one did to the same name. */
function without(operation: DirOperation, names: ReadonlySet<string>): DirOperation {
  return { ...operation, changes: operation.changes.filter(([name]) => !names.has(name)) }
}
