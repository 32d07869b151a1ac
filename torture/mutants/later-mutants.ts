import type { Mutant } from './mutants.ts'

const drivers = 'packages/drivers/src'
const smallPuts = 'replay:small puts and overwrites'

/** What costs nothing until later: names, room, failures, and the ends of the log. */
export const laterMutants: readonly Mutant[] = [
  {
    name: 'removed-file-stays',
    edits: [{ in: `${drivers}/store/committer.ts`, find: /files\.remove\(sha256\)/, put: '' }],
    hunts: ['names'],
  },
  {
    name: 'orphans-stay',
    edits: [{ in: `${drivers}/store/reclaimer.ts`, find: /files\.remove\(sha256\)/, put: '' }],
    hunts: ['names'],
  },
  {
    name: 'temp-stays',
    edits: [
      {
        in: `${drivers}/element/disk/stage.ts`,
        find: /this\.#disk\.remove\(this\.#path\)(?=\n\s+\},)/,
        put: '',
      },
    ],
    hunts: ['names'],
  },
  {
    name: 'abandoned-temp-stays',
    edits: [
      {
        in: `${drivers}/element/disk/stage.ts`,
        find: /(?<=sink\.abandon\(\)\s+)this\.#disk\.remove\(this\.#path\)/,
        put: '',
      },
    ],
    hunts: ['names'],
  },
  {
    name: 'note-temp-stays',
    edits: [
      {
        in: `${drivers}/element/disk/disk-element.ts`,
        find: /(?<=finally \{\n\s+)disk\.remove\(temp\)/,
        put: '',
      },
    ],
    hunts: ['names'],
  },
  {
    name: 'temps-unswept',
    edits: [
      {
        in: `${drivers}/store/open-log.ts`,
        find: /&& disk\.remove\([^\n]+TEMP[^\n]+\)\)/,
        put: ')',
      },
    ],
    hunts: ['kill-then-cut:large bodies'],
  },
  {
    name: 'rewritten-pack-stays',
    edits: [
      {
        in: `${drivers}/store/reclaimer.ts`,
        find: /disk\.remove\(packPath\(dir, pack\)\)/,
        put: '',
      },
    ],
    hunts: ['compacted'],
  },
  {
    name: 'ballast-not-laid-again',
    edits: [{ in: `${drivers}/store/committer.ts`, find: /ballast\.lay\(\)/, put: '' }],
    hunts: ['ballast'],
  },
  {
    name: 'ballast-never-given-up',
    edits: [
      {
        in: `${drivers}/store/committer.ts`,
        find: /light && isFull\(error\) && ballast\.release\(\)/,
        put: 'false',
      },
    ],
    hunts: ['ballast'],
  },
  {
    name: 'no-room-at-start',
    edits: [
      { in: `${drivers}/store/open-log.ts`, find: /Ballast\.makeRoom\(disk, dir\)/, put: '' },
    ],
    hunts: ['ballast'],
  },
  {
    name: 'no-room-ahead',
    edits: [
      {
        in: `${drivers}/element/disk/journal.ts`,
        find: /this\.#makeRoom\(file, end, batch\)/,
        put: '',
      },
    ],
    hunts: ['room ahead'],
  },
  {
    name: 'puts-take-all-room',
    edits: [
      {
        in: `${drivers}/element/disk/journal.ts`,
        find: /end \+ layOutBytes \* SPARE_SHARE/,
        put: 'end',
      },
    ],
    hunts: ['room ahead'],
  },
  {
    name: 'no-catalog-room',
    edits: [{ in: `${drivers}/store/catalog-room.ts`, find: /lay\(this\.#log, [^\n]+/, put: '' }],
    hunts: ['catalog room'],
  },
  {
    name: 'no-catalog-index-room',
    edits: [
      { in: `${drivers}/store/catalog-room.ts`, find: /lay\(this\.#openIndex[^\n]+/, put: '' },
    ],
    hunts: ['catalog room'],
  },
  {
    name: 'marker-unnamed',
    edits: [
      { in: `${drivers}/store/marker.ts`, find: /disk\.syncDir\(dir\)(?=\n\s+\} catch)/, put: '' },
    ],
    hunts: ['first-start'],
  },
  {
    name: 'marker-before-directories',
    edits: [
      {
        in: `${drivers}/store/marker.ts`,
        find: /disk\.syncDir\(dir\)(?=\n\s+const marker)/,
        put: '',
      },
    ],
    hunts: ['first-start'],
  },
  {
    name: 'marker-trusted',
    edits: [
      {
        in: `${drivers}/store/marker.ts`,
        find: /disk\.syncDir\(dir\)(?=\n\s+return marker)/,
        put: '',
      },
    ],
    hunts: ['first-start-killed'],
  },
  {
    name: 'reclaim-error-forgotten',
    edits: [
      {
        in: `${drivers}/store/committer.ts`,
        find: /if \(error instanceof FatalStoreError\) this\.#failed = error\n\s+else if/,
        put: 'if',
      },
    ],
    hunts: ['reclaim fails'],
  },
  {
    name: 'reclaim-error-untold',
    edits: [
      { in: `${drivers}/open.ts`, find: /if \(step\.fatal\) catalog\.fail\(step\)/, put: '' },
    ],
    hunts: ['reclaim fails'],
  },
  {
    name: 'removal-synced-again',
    edits: [
      {
        in: `${drivers}/store/reclaimer.ts`,
        find: /throw new FatalStoreError\('a sync failed while a pack was removed'[^\n]+/,
        put: 'throw error',
      },
    ],
    hunts: ['reclaim fails'],
  },
  {
    name: 'durability-tried-again',
    edits: [
      {
        in: `${drivers}/store/reclaimer.ts`,
        find: /throw new FatalStoreError\('the catalog could not be made durable'[^\n]+/,
        put: 'throw error',
      },
    ],
    hunts: ['test:packages/drivers/src/store/committer.test.ts'],
  },
  {
    name: 'cut-too-far',
    edits: [
      {
        in: `${drivers}/element/disk/journal.ts`,
        find: /file\.truncate\(offset\)(?=\n\s+this\.#laidOut)/,
        put: 'file.truncate(Math.max(0, offset - 512))',
      },
    ],
    hunts: ['day:packs that fill up'],
  },
  {
    name: 'cut-too-little',
    edits: [
      {
        in: `${drivers}/element/disk/journal.ts`,
        find: /file\.truncate\(offset\)(?=\n\s+this\.#laidOut)/,
        put: 'file.truncate(Math.min(size, offset + 512))',
      },
    ],
    hunts: ['day:packs that fill up'],
  },
  {
    name: 'laid-out-forgotten',
    edits: [
      { in: `${drivers}/element/disk/journal.ts`, find: /this\.#laidOut = size\n/, put: '\n' },
    ],
    hunts: ['works on'],
  },
  {
    name: 'bytes-unchecked-at-recovery',
    edits: [
      {
        in: `${drivers}/element/disk/journal.ts`,
        find: /checkBytes: scan\.last/,
        put: 'checkBytes: false',
      },
    ],
    hunts: ['replay:packs that fill up'],
  },
  {
    name: 'lines-unchecked',
    edits: [
      {
        in: `${drivers}/element/disk/batch.ts`,
        find: / \|\| hex32\(crc32\(lines\)\) !== head\.lines_crc32/,
        put: '',
      },
    ],
    hunts: ['replay:many at once'],
  },
  {
    name: 'names-after-the-log',
    edits: [
      { in: `${drivers}/store/committer.ts`, find: /await files\.sync\(\)/, put: '' },
      {
        in: `${drivers}/store/committer.ts`,
        find: /journal\.append\(\{ bodies: batch\.bodies, lines[^\n]*\}\)/,
        put: '$&; await files.sync()',
      },
    ],
    hunts: ['replay:large bodies'],
  },
  {
    name: 'one-sync-for-two',
    edits: [
      {
        in: `${drivers}/element/disk/journal.ts`,
        find: /file\.sync\(\)(?=\n\s+\} catch \(error\) \{\n[^\n]*sync of the journal failed)/,
        put: 'if (this.#nextBatch % 2 === 0) file.sync()',
      },
    ],
    hunts: [smallPuts],
  },
  {
    name: 'sync-tried-again',
    edits: [
      {
        in: `${drivers}/element/disk/journal.ts`,
        find: /throw new FatalStoreError\('sync of the journal failed', [^\n]+/,
        put: 'file.sync()',
      },
    ],
    hunts: ['every sync'],
  },
  {
    name: 'name-sync-tried-again',
    edits: [
      {
        in: `${drivers}/element/disk/blob-files.ts`,
        find: /throw new FatalStoreError\('sync of a blob directory failed', [^\n]+/,
        put: 'throw error',
      },
    ],
    hunts: ['every sync'],
  },
  {
    name: 'new-pack-sync-tried-again',
    edits: [
      {
        in: `${drivers}/element/disk/journal.ts`,
        find: /throw new FatalStoreError\('a sync failed while a new pack was begun', [^\n]+/,
        put: 'throw error',
      },
    ],
    hunts: ['every sync'],
  },
  {
    name: 'take-back-swallowed',
    edits: [
      {
        in: `${drivers}/element/disk/journal.ts`,
        find: /throw new FatalStoreError\('the journal could not be taken back', [^\n]+/,
        put: '',
      },
    ],
    hunts: ['every sync'],
  },
  {
    name: 'empty-body-left-behind',
    edits: [
      {
        in: `${drivers}/store/reclaimer.ts`,
        find: /const bytes = Buffer\.alloc\(length\)/,
        put: 'if (length === 0) continue\n$&',
      },
    ],
    hunts: ['bodies carried'],
  },
  {
    name: 'catalog-ahead-of-the-log',
    edits: [
      {
        in: `${drivers}/store/applied-position.ts`,
        find: /(?<=set\(position: JournalPosition\): void \{\n\s+)this\.#set\.run\([^\n]+/,
        put: "this.#set.run([position.pack, position.offset + 512, position.batch].join(':'))",
      },
    ],
    hunts: [smallPuts],
  },
  {
    name: 'quarantine-deletes',
    edits: [
      {
        in: `${drivers}/element/disk/blob-files.ts`,
        find: /this\.#disk\.rename\(blobPath\(this\.#dir, sha256\), name\)/,
        put: 'this.#disk.remove(blobPath(this.#dir, sha256))',
      },
    ],
    hunts: ['aside'],
  },
  {
    name: 'dedupe-to-a-removed-file',
    edits: [
      {
        in: `${drivers}/store/committer.ts`,
        find: /staged\?\.replaces !== true && files[^\n]+/,
        put: 'true',
      },
    ],
    hunts: ['aside'],
  },
  {
    name: 'brought-back-unlinked',
    edits: [
      {
        in: `${drivers}/store/committer.ts`,
        find: /if \(tables\.blobs\.get\(sha256\) !== undefined\) continue/,
        put: '',
      },
    ],
    hunts: ['test:packages/drivers/src/store/committer.test.ts'],
  },
  {
    name: 'note-unsynced',
    edits: [{ in: `${drivers}/element/disk/disk-element.ts`, find: /file\.sync\(\)/, put: '' }],
    hunts: ['notes'],
  },
  {
    name: 'note-unnamed',
    edits: [
      {
        in: `${drivers}/element/disk/disk-element.ts`,
        find: /disk\.syncDir\(`\$\{dir\}\/\$\{NOTES\}`\)/,
        put: '',
      },
    ],
    hunts: ['notes'],
  },
  {
    name: 'parts-unreferenced',
    edits: [
      {
        in: `${drivers}/catalog/sqlite/commit/records.ts`,
        find: /for \(const part of parts\) blobs\.refer\(part\.sha256\)/,
        put: '',
      },
    ],
    hunts: ['replay:uploads in parts'],
  },
  {
    name: 'open-parts-unreferenced',
    edits: [
      {
        in: `${drivers}/catalog/sqlite/commit/records.ts`,
        find: /blobs\.refer\(record\.sha256\)(?=\n\s+if \(before !== undefined)/,
        put: '',
      },
    ],
    hunts: ['bodies carried'],
  },
]
