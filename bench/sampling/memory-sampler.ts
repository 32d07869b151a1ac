import { processTree, residentBytesOf } from '@holdfast/load/process-tree.ts'

const intervalMs = 100

/** Watches the resident memory of a process and its children. */
export class MemorySampler implements Disposable {
  readonly #timer: NodeJS.Timeout
  readonly #root: number
  #peakBytes = 0
  #samples = 0

  constructor(root: number) {
    this.#root = root
    this.#sample()
    this.#timer = setInterval(() => this.#sample(), intervalMs)
  }

  get peakBytes(): number {
    return this.#peakBytes
  }

  get samples(): number {
    return this.#samples
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #sample(): void {
    this.#peakBytes = Math.max(this.#peakBytes, residentBytesOf(processTree(this.#root)))
    this.#samples += 1
  }
}
