import type { SqliteDatabase } from '../../database.ts'

/** Beyond so many words the index merges their lists faster than we can name them. */
export const TERMS_OF_PREFIX_MAX = 32

/** Opens the table `search_words`: each place of each word in the index, by word. */
export function openSearchWords(db: SqliteDatabase): void {
  // In `temp`, which a reader may write too.
  db.exec(`CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_words
    USING fts5vocab(main, search, instance)`)
}

/**
 * The words in the search index. A prefix makes FTS5 read all lists of the words that begin with it
 * before it answers; words that are named are read only as far as the page needs.
 */
export class SearchTerms {
  readonly #next

  constructor(db: SqliteDatabase) {
    openSearchWords(db)
    this.#next = db
      .prepare<[string], string>('SELECT term FROM search_words WHERE term >= ? LIMIT 1')
      .pluck()
  }

  /** All words that begin with this one; undefined where they are too many or it cannot be told. */
  readonly beginningWith = (prefix: string): string[] | undefined => {
    // Of other letters only the tokenizer knows what they become in the index.
    if (!/^[A-Za-z0-9]+$/.test(prefix)) return undefined
    const start = prefix.toLowerCase()
    const terms: string[] = []
    let term = this.#next.get(start)
    while (term?.startsWith(start)) {
      if (terms.length === TERMS_OF_PREFIX_MAX) return undefined
      terms.push(term)
      // No word has this character, so the next one is the next word.
      term = this.#next.get(`${term}\u0001`)
    }
    return terms
  }
}
