import type { Catalog, CatalogView } from '@holdfast/core/ports/catalog.ts'
import { CallerLines, lineOf, type Waiting } from './caller-lines.ts'

/**
 * Several questions at one moment of the catalog. Each moment has a connection and memory of its
 * own for as long as it is read, and a list that is read in turns may hold its for long: so only so
 * many are read at once, callers in turn. Whoever reads one must not ask for another.
 */
export class Moments {
  readonly #catalog: Pick<Catalog, 'read'>
  readonly #max: number
  readonly #waiting = new CallerLines()
  #open = 0

  constructor(catalog: Pick<Catalog, 'read'>, max: number) {
    this.#catalog = catalog
    this.#max = max
  }

  /** May have waited: what the caller may is to be asked again before anything is told. */
  async read<T>(call: Waiting, questions: (view: CatalogView) => T | Promise<T>): Promise<T> {
    if (this.#open < this.#max) this.#open += 1
    else await new Promise<void>(resolve => this.#waiting.join(lineOf(call), resolve))
    try {
      // Nobody waits for it any more.
      call.signal.throwIfAborted()
      return await this.#catalog.read(questions)
    } finally {
      // Who comes next takes over the place.
      if (!this.#waiting.letGo()) this.#open -= 1
    }
  }
}
