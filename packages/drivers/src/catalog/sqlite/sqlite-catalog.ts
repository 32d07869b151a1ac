import type {
  Catalog,
  CatalogTraits,
  CatalogView,
  CheckRecords,
  CommitOptions,
  RecordFault,
  Touched,
} from '@holdfast/core/ports/catalog.ts'
import type { Statement } from 'better-sqlite3'
import type {
  CommitReply,
  CommitRequest,
  ReplyError,
  StagedBytes,
} from '../../store/commit-request.ts'
import { fromReplyError } from '../../store/reply-error.ts'
import { CachedView } from './cached-view.ts'
import { openDatabase, type SqliteDatabase } from './database.ts'
import { SearchThread } from './rooms/search/search-thread-link.ts'
import { openTables, viewOf } from './tables.ts'

/** What the catalog needs of the committer. */
export interface CommitPath {
  commit(request: CommitRequest): Promise<CommitReply>
  advanceSearch(): Promise<void>
  watch(watcher: (touched: Touched) => void): () => void
}

export interface SqliteCatalogOptions {
  readonly path: string
  readonly commits: CommitPath
  /** Memory for records that are asked for again and again; 0 for none. */
  readonly cacheBytes: number
  /** Long searches go to a thread of their own, else they are worked out on this one. */
  readonly searchThread: boolean
  /** Compares every record with the packs. */
  readonly check: (how?: CheckRecords) => AsyncIterable<RecordFault>
  /** Told once when nothing more may be acknowledged and the process must come back. */
  readonly onFatal?: (reason: string) => void
}

/** Connections that nobody reads from and that stay open all the same. */
const IDLE_MOMENTS_MAX = 4

/** A connection for readers of one moment at a time. */
interface ReadMoment {
  readonly db: SqliteDatabase
  readonly view: CatalogView
  readonly begin: Statement
  readonly first: Statement
  readonly end: Statement
}

/** The catalog on the event loop: reads from its own connection, writes through the committer. */
export class SqliteCatalog implements Catalog {
  readonly traits: CatalogTraits = { driver: 'sqlite', carriesBytes: true }
  readonly view: CatalogView
  readonly #cached: CachedView
  readonly #options: SqliteCatalogOptions
  readonly #latest: SqliteDatabase
  readonly #seq
  readonly #indexed
  readonly #search: SearchThread | undefined
  #moments: ReadMoment[] = []
  #failed: string | undefined

  constructor(options: SqliteCatalogOptions) {
    this.#options = options
    this.#latest = openDatabase(options.path, { readonly: true })
    const tables = openTables(this.#latest)
    this.#search = options.searchThread ? new SearchThread(options.path) : undefined
    const plain = viewOf(tables, { caughtUp: () => this.#caughtUp(), aside: this.#search })
    this.#cached = new CachedView(plain, tables, options.cacheBytes)
    this.view = this.#cached.view
    options.commits.watch(touched => this.#cached.forget(touched))
    this.#seq = this.#latest.prepare<[], number>('SELECT max(seq) FROM changes').pluck()
    this.#indexed = this.#latest
      .prepare<[], number>("SELECT value FROM state WHERE name = 'search_seq'")
      .pluck()
  }

  /** Each reader of one moment gets a connection of its own, so that moments may overlap. */
  async read<T>(questions: (view: CatalogView) => T | Promise<T>): Promise<T> {
    await this.#caughtUp()
    const moment = this.#moments.pop() ?? this.#openMoment()
    moment.begin.run()
    try {
      // SQLite takes its snapshot at the first question, not at BEGIN.
      moment.first.get()
      return await questions(moment.view)
    } finally {
      moment.end.run()
      // Each holds memory and files of its own; opening one anew takes some milliseconds.
      if (this.#moments.length < IDLE_MOMENTS_MAX) this.#moments.push(moment)
      else moment.db.close()
    }
  }

  async write(name: string, args: unknown, options: CommitOptions): Promise<unknown> {
    options.signal?.throwIfAborted()
    const staged = (options.staged ?? []).map(
      ({ sha256, size, body, temp, replaces }): StagedBytes => ({
        sha256,
        size,
        body,
        temp,
        replaces: replaces === true,
      }),
    )
    const { actor, requestId } = options
    const reply = await this.#options.commits.commit({ name, args, actor, requestId, staged })
    if (reply.ok) return reply.result
    if (reply.error.fatal) this.fail(reply.error)
    throw fromReplyError(reply.error)
  }

  /** The committer failed for good, at a write or while it gave space back. */
  fail({ message, stack }: ReplyError): void {
    if (this.#failed !== undefined) return
    this.#failed = message
    this.#cached.forgetAll()
    this.#options.onFatal?.(stack)
  }

  watch(watcher: (touched: Touched) => void): () => void {
    return this.#options.commits.watch(watcher)
  }

  async probe(): Promise<{ readonly state: 'up' | 'down'; readonly reason: string }> {
    if (this.#failed !== undefined) return { state: 'down', reason: 'a commit failed for good' }
    try {
      this.#seq.get()
      return { state: 'up', reason: 'the catalog answers' }
    } catch {
      return { state: 'down', reason: 'the catalog cannot be read' }
    }
  }

  async *check(how?: CheckRecords): AsyncGenerator<RecordFault> {
    try {
      await this.#caughtUp()
    } catch {
      // On a full disk, for one. What the search index has still to look at is not compared.
    }
    yield* this.#options.check(how)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#search?.[Symbol.asyncDispose]()
    for (const { db } of this.#moments.splice(0)) db.close()
    this.#latest.close()
  }

  async #caughtUp(): Promise<void> {
    if ((this.#indexed.get() ?? 0) < (this.#seq.get() ?? 0)) {
      await this.#options.commits.advanceSearch()
    }
  }

  #openMoment(): ReadMoment {
    const db = openDatabase(this.#options.path, {
      readonly: true,
      cacheBytes: 8 * 1024 * 1024,
    })
    return {
      ...{ db, view: viewOf(openTables(db)) },
      begin: db.prepare('BEGIN'),
      first: db.prepare('SELECT 1 FROM state'),
      end: db.prepare('COMMIT'),
    }
  }
}
