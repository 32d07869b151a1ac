import type { SqliteDatabase } from './database.ts'

const CACHE_MAX = 50_000

/** Repeated words as numbers. A word keeps its number for ever, so both sides may be cached. */
export class Words {
  readonly #numbers = new Map<string, number>()
  readonly #words = new Map<number, string>()
  readonly #byWord
  readonly #byNo
  readonly #insert

  constructor(db: SqliteDatabase) {
    this.#byWord = db.prepare<[string], number>('SELECT no FROM words WHERE word = ?').pluck()
    this.#byNo = db.prepare<[number], string>('SELECT word FROM words WHERE no = ?').pluck()
    this.#insert = db.readonly
      ? undefined
      : db.prepare<[string], number>('INSERT INTO words (word) VALUES (?) RETURNING no').pluck()
  }

  /** The number of a word that exists, else undefined. */
  find(word: string): number | undefined {
    const known = this.#numbers.get(word)
    if (known !== undefined) return known
    const no = this.#byWord.get(word)
    if (no !== undefined) this.#keep(no, word)
    return no
  }

  word(no: number): string {
    const known = this.#words.get(no)
    if (known !== undefined) return known
    const word = this.#byNo.get(no)
    if (word === undefined) throw new Error(`the catalog has no word ${no}`)
    this.#keep(no, word)
    return word
  }

  /** The number of a word, made if it is new. New ones are cached only by a later look-up. */
  number(word: string): number {
    const found = this.find(word)
    if (found !== undefined) return found
    const no = this.#insert?.get(word)
    if (no === undefined) throw new Error('words cannot be added by a reader')
    return no
  }

  #keep(no: number, word: string): void {
    if (this.#words.size >= CACHE_MAX) {
      this.#words.clear()
      this.#numbers.clear()
    }
    this.#words.set(no, word)
    this.#numbers.set(word, no)
  }

  /** After a rollback, numbers seen inside the transaction may not exist. */
  forget(): void {
    this.#words.clear()
    this.#numbers.clear()
  }
}
