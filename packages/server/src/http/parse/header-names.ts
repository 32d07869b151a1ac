/**
 * The names of the headers of one request, in lower case, and where their values stand among names
 * and values in turn. Requests of one client mostly have the same: what follows from the names
 * alone is found once for all of them.
 */
export class HeaderNames {
  /** A list only where there are several: most requests have none such. */
  readonly #places = new Map<string, number | number[]>()
  /** How many lines there are. */
  readonly count: number

  /** Names and values in turn, as Node has them. */
  constructor(raw: readonly string[]) {
    this.count = raw.length >> 1
    for (let at = 0; at + 1 < raw.length; at += 2) {
      const name = (raw[at] ?? '').toLowerCase()
      const places = this.#places.get(name)
      if (places === undefined) this.#places.set(name, at + 1)
      else if (typeof places === 'number') this.#places.set(name, [places, at + 1])
      else places.push(at + 1)
    }
  }

  /** Where its value stands, or its values. */
  placesOf(name: string): number | readonly number[] | undefined {
    return this.#places.get(name)
  }

  has(name: string): boolean {
    return this.#places.has(name)
  }

  /** Each once. */
  all(): Iterable<string> {
    return this.#places.keys()
  }

  get areRepeated(): boolean {
    return this.#places.size !== this.count
  }
}
