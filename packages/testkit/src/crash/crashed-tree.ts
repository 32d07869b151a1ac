import type { SeededRandom } from '../seeded-random.ts'
import { DirNode, type DirOrder } from './dir-node.ts'
import { DirTree } from './dir-tree.ts'
import type { FileNode } from './file-node.ts'
import type { Mood } from './mood.ts'

export interface CutOptions {
  readonly random: SeededRandom
  readonly mood: Mood
  readonly order: DirOrder
  readonly lastSerial: number
}

/** One tree that a power cut may leave of the given one, all of it durable. */
export function crashedTree(tree: DirTree, options: CutOptions): DirTree {
  const { random, mood, order } = options
  const serials = Array.from({ length: options.lastSerial + 1 }, (_, serial) => serial)
  const lastKept = mood.choose(serials, random, serials)
  const keeps = (serial: number, inPrefix: boolean) => {
    if (order === 'journal') return serial <= lastKept
    return order === 'prefix' ? inPrefix : mood.keeps(random, serial)
  }
  const left = new DirTree()
  const files = new Map<FileNode, FileNode>()
  const copy = (from: DirNode, to: DirNode) => {
    for (const [name, node] of from.crashed(random, mood, keeps)) {
      if (node.kind === 'dir') {
        const dir = new DirNode()
        dir.modifiedMs = node.modifiedMs
        left.parents.set(dir, to)
        to.now.set(name, dir)
        copy(node, dir)
      } else {
        const file = files.get(node) ?? node.crashed(random, mood)
        files.set(node, file)
        file.links += 1
        to.now.set(name, file)
      }
    }
    to.settle()
  }
  copy(tree.root, left.root)
  return left
}
