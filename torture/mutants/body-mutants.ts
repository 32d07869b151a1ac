import type { Mutant } from './mutants.ts'

const drivers = 'packages/drivers/src'
const bodies = 'packages/server/src/http/body'

/** Large bodies on their way to the disk, and the digests of those that come in parts. */
export const bodyMutants: readonly Mutant[] = [
  {
    name: 'whole-body-waits-for-ever',
    edits: [
      {
        in: `${bodies}/request-body.ts`,
        find: /request\.readableEnded \|\| isReadWhole\(request\)/,
        put: 'request.readableEnded',
      },
      {
        in: `${bodies}/request-body.ts`,
        find: /this\.#request\.destroyed(?=\) throw)/,
        put: '$& && !this.#request.complete',
      },
    ],
    hunts: ['test:packages/server/src/http/body/request-body.test.ts'],
  },
  {
    name: 'direct-tail-stays',
    edits: [
      {
        in: `${drivers}/disk/direct-file.ts`,
        find: /fs\.ftruncateSync\(fd, size\)/,
        put: 'void 0',
      },
    ],
    hunts: ['test:packages/drivers/src/element/disk/large/writer-pool.test.ts'],
  },
  {
    name: 'writer-forgives',
    edits: [
      {
        in: `${drivers}/element/disk/large/writer-thread.ts`,
        find: /return \{ kind: 'failed'/,
        put: "if (message.kind === 'write') return { kind: 'done', id, slabs: taken }\n      $&",
      },
      {
        in: `${drivers}/element/disk/large/written-file.ts`,
        find: /this\.#done\.then\(start\)/,
        put: 'this.#done.then(start, start)',
      },
    ],
    hunts: ['test:packages/drivers/src/element/disk/large/written-file.test.ts'],
  },
  {
    name: 'written-before-written',
    edits: [
      {
        in: `${drivers}/element/disk/large/writer-thread.ts`,
        find: /await file\.write\(memory, size\)/,
        put: 'file.write(memory, size).catch(() => {})',
      },
    ],
    hunts: ['test:packages/drivers/src/element/disk/large/writer-pool.test.ts'],
  },
  {
    name: 'memory-back-before-written',
    edits: [
      {
        in: `${drivers}/element/disk/large/thread-sink.ts`,
        find: /this\.#writer\.slabs\.give\(this\.#takeHeld\(\)\)/,
        put: '$&\n    this.#writer.slabs.give(this.sent)',
      },
      {
        in: `${drivers}/element/disk/large/thread-sink.ts`,
        find: /(?<=#isOver = false\n)/,
        put: '  sent: readonly number[] = []\n',
      },
      {
        in: `${drivers}/element/disk/large/thread-sink.ts`,
        find: /const open = this\.#open\n/,
        put: '$&    this.sent = slabs\n',
      },
    ],
    hunts: ['test:packages/drivers/src/element/disk/large/writer-pool.test.ts'],
  },
  {
    name: 'rest-of-a-short-write-lost',
    edits: [
      {
        in: `${drivers}/disk/direct-file.ts`,
        find: /left = after\(left, written\)/,
        put: 'left = []',
      },
    ],
    hunts: ['test:packages/drivers/src/element/disk/large/written-file.test.ts'],
  },
  {
    name: 'failed-sync-of-a-body-forgotten',
    edits: [
      {
        in: `${drivers}/disk/direct-file.ts`,
        find: /\(error === null \? resolve\(\) : reject\(error\)\)(?=\)\n\s+await promise)/,
        put: 'resolve()',
      },
    ],
    hunts: ['test:packages/drivers/src/element/disk/large/written-file.test.ts'],
  },
  {
    name: 'synced-before-written',
    edits: [
      {
        in: `${drivers}/element/disk/large/written-file.ts`,
        find: /await this\.#ask\(file => file\.sync\(this\.#size\)\)/,
        put: '',
      },
      {
        in: `${drivers}/element/disk/large/written-file.ts`,
        find: /await this\.write\(slabs, size\)/,
        put: 'await this.#ask(file => file.sync(this.#size + size))\n    $&',
      },
    ],
    hunts: ['test:packages/drivers/src/element/disk/large/written-file.test.ts'],
  },
  {
    name: 'half-read-part-counts',
    edits: [
      {
        in: 'packages/engine/src/multipart/running-digests.ts',
        find: /prefix\.cancel\(\)(?=\n\s+if)/,
        put: '',
      },
      {
        in: 'packages/engine/src/multipart/running-digests.ts',
        find: /if \(this\.#uploads\.get\(uploadId\) === prefix\) this\.#take\(uploadId\)/,
        put: '',
      },
    ],
    hunts: ['test:packages/engine/src/multipart/running-digests.test.ts'],
  },
  {
    name: 'replaced-part-counts',
    edits: [
      {
        in: 'packages/engine/src/multipart/running-digests.ts',
        find: /return order\.digest\('hex'\) === [^\n]+/,
        put: 'return true',
      },
    ],
    hunts: ['test:packages/engine/src/multipart/running-digests.test.ts'],
  },
]
