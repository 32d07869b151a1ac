import { DirNode, type Node } from './dir-node.ts'
import { DiskError } from './disk-faults.ts'
import type { FileNode } from './file-node.ts'

/** The names of a disk as the running system sees them. */
export class DirTree {
  readonly root = new DirNode()
  readonly parents = new Map<DirNode, DirNode>()
  /** Removed while open: they still take space. */
  readonly #unlinked = new Set<FileNode>()

  find(path: string): Node | undefined {
    let node: Node | undefined = this.root
    for (const name of split(path)) {
      if (node?.kind !== 'dir') return undefined
      node = node.now.get(name)
    }
    return node
  }

  dir(path: string): DirNode {
    const node = this.find(path)
    if (node === undefined) throw new DiskError('ENOENT', 'find', path)
    if (node.kind !== 'dir') throw new DiskError('ENOTDIR', 'find', path)
    return node
  }

  file(path: string, operation: string): FileNode {
    const node = this.find(path)
    if (node === undefined) throw new DiskError('ENOENT', operation, path)
    if (node.kind !== 'file') throw new DiskError('EISDIR', operation, path)
    return node
  }

  locate(path: string): { dir: DirNode; name: string } {
    const names = split(path)
    const name = names.pop()
    if (name === undefined) throw new DiskError('EEXIST', 'use', path)
    return { dir: this.dir(names.join('/')), name }
  }

  dropped(file: FileNode): void {
    file.links -= 1
    if (file.links === 0 && file.opens > 0) this.#unlinked.add(file)
  }

  closed(file: FileNode): void {
    if (file.opens === 0) this.#unlinked.delete(file)
  }

  walk(): Generator<[path: string, node: Node]> {
    return walk(this.root, '')
  }

  usedBytes(): number {
    const files = new Set<FileNode>(this.#unlinked)
    for (const [, node] of this.walk()) if (node.kind === 'file') files.add(node)
    let bytes = 0
    for (const file of files) bytes += file.sizeBytes
    return bytes
  }
}

export function split(path: string): string[] {
  return path.split('/').filter(name => name !== '' && name !== '.')
}

export function checkReplaceable(node: Node, replaced: Node, path: string): void {
  if (replaced.kind === 'file' && node.kind === 'file') return
  if (replaced.kind === 'file') throw new DiskError('ENOTDIR', 'rename', path)
  if (node.kind === 'file') throw new DiskError('EISDIR', 'rename', path)
  if (replaced.now.size > 0) throw new DiskError('ENOTEMPTY', 'rename', path)
}

function* walk(dir: DirNode, at: string): Generator<[path: string, node: Node]> {
  for (const [name, node] of dir.now) {
    yield [`${at}/${name}`, node]
    if (node.kind === 'dir') yield* walk(node, `${at}/${name}`)
  }
}
