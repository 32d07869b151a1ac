/** A bug that somebody could write: edits of the sources, made in a copy of the checkout only. */
export interface Mutant {
  readonly name: string
  readonly edits: readonly Edit[]
  /** A program that the hunt takes; where it is missing the mutant is left out. */
  readonly needs?: 'strace'
  /** One of these must find it; see `hunt.ts`. */
  readonly hunts: readonly string[]
}

export interface Edit {
  /** File or folder; the pattern must be found exactly once in it. */
  readonly in: string
  readonly find: RegExp
  readonly put: string
}

const drivers = 'packages/drivers/src'
const smallPuts = 'replay:small puts and overwrites'

/**
 * Durability and collection. Not here, because nothing of the kind exists yet: restore that skips
 * the last change (no backups), trust in modification times (nothing reads them).
 */
export const durabilityMutants: readonly Mutant[] = [
  {
    name: 'no-fsync',
    edits: [
      {
        in: drivers,
        find: /file\.sync\(\)(?=\n\s+\} catch \(error\) \{\n[^\n]*sync of the journal failed)/,
        put: '',
      },
    ],
    hunts: [smallPuts],
  },
  {
    name: 'no-fsync-large',
    edits: [{ in: `${drivers}/element/disk`, find: /await this\.#file\.sync\(\)/, put: '' }],
    hunts: ['replay:large bodies'],
  },
  {
    name: 'no-dirsync',
    edits: [
      {
        in: `${drivers}/element/disk/blob-files.ts`,
        find: /if \(dirs\.length > 1 [^\n]+\n\s+else for [^\n]+/,
        put: '',
      },
    ],
    hunts: ['replay:large bodies'],
  },
  {
    name: 'no-dirsync-together',
    edits: [{ in: drivers, find: /await this\.#disk\.syncDirs\(dirs\)/, put: 'void dirs' }],
    hunts: ['replay:large bodies'],
  },
  {
    name: 'no-parentsync',
    edits: [{ in: drivers, find: /this\.#dirty\.add\(`\$\{this\.#dir\}\/\$\{BLOBS\}`\)/, put: '' }],
    hunts: ['replay:large bodies'],
  },
  {
    name: 'no-rootsync',
    edits: [{ in: `${drivers}/open.ts`, find: /disk\.syncDir\(slash > 0 [^\n]+\)/, put: '' }],
    hunts: ['first-start'],
  },
  {
    name: 'no-packsync',
    edits: [
      {
        in: drivers,
        find: /disk\.syncDir\([^\n]+\)(?=\n[^\n]+\n[^\n]+\n[^\n]*while a new pack)/,
        put: '',
      },
    ],
    hunts: ['replay:packs that fill up', 'day:packs that fill up'],
  },
  {
    name: 'no-markersync',
    edits: [{ in: `${drivers}/store/marker.ts`, find: /file\.sync\(\)/, put: '' }],
    hunts: ['first-start'],
  },
  {
    name: 'no-recoverysync',
    edits: [{ in: drivers, find: /file\.sync\(\)(?=\n\s+this\.#options\.disk\.syncDir)/, put: '' }],
    hunts: ['kill-then-cut:small puts and overwrites'],
  },
  {
    name: 'ack-early',
    edits: [
      {
        in: drivers,
        find: /file\.sync\(\)(?=\n\s+\} catch \(error\) \{\n[^\n]*sync of the journal failed)/,
        put: 'setImmediate(() => { try { file.sync() } catch {} })',
      },
    ],
    hunts: [smallPuts],
  },
  {
    name: 'catalog-first',
    edits: [
      {
        in: `${drivers}/store`,
        find: /journal\.append\(\{ bodies: batch\.bodies, lines[^\n]*\}\)/,
        put: "tables.db.exec('COMMIT'); tables.db.exec('BEGIN'); $&",
      },
    ],
    hunts: [smallPuts, 'faults:small puts and overwrites'],
  },
  {
    name: 'truncate-in-place',
    edits: [
      {
        in: `${drivers}/store/marker.ts`,
        find: /const temp = [^\n]+/,
        put: 'const temp = dir + "/" + note.name',
      },
      { in: `${drivers}/store/marker.ts`, find: /disk\.rename\(temp, [^\n]+/, put: '' },
    ],
    hunts: ['first-start'],
  },
  {
    name: 'refcount-decrement-twice',
    edits: [
      {
        in: drivers,
        find: /refs = refs - 1, dead_since = CASE WHEN refs = 1/,
        put: 'refs = max(refs - 2, 0), dead_since = CASE WHEN refs <= 2',
      },
    ],
    hunts: ['day:copies share bytes', 'day:put, overwrite, delete, restore'],
  },
  {
    name: 'gc-no-grace',
    edits: [
      {
        in: 'packages/engine/src/integrity',
        find: /engine\.clock\.now\(\) - engine\.limits\.graceMs/,
        put: 'engine.clock.now() + 1',
      },
    ],
    hunts: ['grace'],
  },
  {
    name: 'gc-before-commit',
    edits: [
      {
        in: `${drivers}/store`,
        find: /await this\.#makeDurable\(batch\)/,
        put: 'this.#removeBytes(batch.removed); $&',
      },
    ],
    hunts: ['day:purge and the key again'],
  },
  {
    name: 'list-off-by-one',
    edits: [
      {
        in: 'packages/engine/src/assets/list.ts',
        find: /const last = items\.at\(-1\)/,
        put: 'const last = found.at(-1)',
      },
    ],
    hunts: ['pages'],
  },
  {
    name: 'seq-outside-tx',
    edits: [{ in: `${drivers}/store`, find: /this\.#seq = seq\n/, put: '\n' }],
    hunts: ['faults:small puts and overwrites', 'faults:many at once'],
  },
  {
    name: 'tombstones-lost',
    edits: [{ in: `${drivers}/store/reclaimer.ts`, find: /!oldest\)/, put: 'false)' }],
    hunts: ['day:removals outlive the pack they stand in'],
  },
  {
    name: 'no-take-back',
    edits: [
      {
        in: drivers,
        find: /file\.truncate\(this\.#offset\)(\s+this\.#laidOut[^\n]+)\s+file\.sync\(\)/,
        put: '$1',
      },
    ],
    hunts: ['fault-then-cut:small puts and overwrites'],
  },
  {
    name: 'deep-seal',
    edits: [{ in: drivers, find: /offset \+ 2 \* RECORD\)/, put: 'offset - RECORD)' }],
    hunts: ['replay:packs that fill up'],
  },
  {
    name: 'torn-tail-stays',
    edits: [{ in: drivers, find: /if \(torn\) \{/, put: 'if (false) {' }],
    hunts: ['day:packs that fill up', 'day:put, overwrite, delete, restore'],
  },
  {
    name: 'dead-since-stays',
    edits: [{ in: drivers, find: /(refs = refs \+ 1), dead_since = NULL/, put: '$1' }],
    hunts: ['replay:the same bytes again'],
  },
  {
    name: 'gc-no-recheck',
    edits: [
      {
        in: 'packages/engine/src/integrity',
        find: /blob\.deadSince < before/,
        put: 'blob.deadSince !== before',
      },
    ],
    hunts: ['recheck'],
  },
  {
    name: 'sweep-takes-the-dead',
    edits: [
      {
        in: `${drivers}/store/reclaimer.ts`,
        find: /tables\.blobs\.get\(sha256\) === undefined(?=\) \{\n\s+files)/,
        put: '(tables.blobs.get(sha256)?.references ?? 0) === 0',
      },
    ],
    hunts: ['day:purge and the key again'],
  },
  {
    name: 'shared-unseen',
    edits: [
      { in: `${drivers}/store`, find: /return body === undefined [^\n]+/, put: 'return true' },
    ],
    hunts: ['rot'],
  },
  {
    name: 'sync-error-forgotten',
    edits: [{ in: `${drivers}/store`, find: /this\.#failed = error\n(?=\s+const reply)/, put: '' }],
    hunts: ['stops'],
  },
  {
    name: 'no-fsync-direct',
    edits: [
      {
        in: `${drivers}/disk/direct-file.ts`,
        find: /fs\.fdatasync\(fd, [^\n]+/,
        put: 'resolve()',
      },
    ],
    hunts: ['sync-order'],
    needs: 'strace',
  },
  {
    name: 'writes-elsewhere',
    edits: [{ in: drivers, find: /this\.#refuseElsewhere\(file\)/, put: '' }],
    hunts: ['elsewhere'],
  },
  {
    name: 'removal-unsynced',
    edits: [{ in: `${drivers}/store`, find: /db\.pragma\('synchronous = FULL'\)/, put: '' }],
    hunts: ['recorded'],
    needs: 'strace',
  },
  {
    name: 'removal-writes-no-page',
    edits: [{ in: `${drivers}/store`, find: /applied\.renew\(/, put: 'applied.set(' }],
    hunts: ['recorded'],
    needs: 'strace',
  },
  {
    name: 'removal-before-catalog',
    edits: [
      {
        in: `${drivers}/store/reclaimer.ts`,
        find: /db\.pragma\('synchronous = FULL'\)/,
        put: 'disk.remove(packPath(dir, pack)); $&',
      },
    ],
    hunts: ['recorded'],
    needs: 'strace',
  },
  {
    name: 'catalog-never-synced',
    edits: [
      {
        in: `${drivers}/catalog/sqlite/database.ts`,
        find: /'synchronous = NORMAL'/,
        put: "'synchronous = OFF'",
      },
    ],
    hunts: ['recorded'],
    needs: 'strace',
  },
  {
    name: 'directory-trusted',
    edits: [
      {
        in: `${drivers}/element/disk/blob-files.ts`,
        find: /this\.#disk\.makeDir\(dir\)\n/,
        put: 'if (!this.#disk.makeDir(dir)) return\n',
      },
    ],
    hunts: ['put-again'],
  },
  {
    name: 'name-trusted',
    edits: [
      {
        in: `${drivers}/element/disk/blob-files.ts`,
        find: /(?<=new HoldfastError\('STORAGE_UNAVAILABLE'\)\n\s+\})/,
        put: ' else return',
      },
    ],
    hunts: ['put-again'],
  },
  ...['links', 'keys', 'accessKeys', 'uploads', 'identities', 'audits'].map(kind => ({
    name: `${kind}-left-behind`,
    edits: [
      {
        in: `${drivers}/catalog/sqlite/commit/live-records.ts`,
        find: new RegExp(`(?<=${kind}:\\s+)puts\\.${kind}`),
        put: `(undefined as typeof puts.${kind})`,
      },
    ],
    hunts: ['compacted'],
  })),
]
