import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { elementSuite } from '@holdfast/testkit/element-suite.ts'
import { openStore, type Store } from '../open.ts'
import { blobPath, packPath, parseLocation } from './disk/layout.ts'
import { MemoryElement } from './memory/memory-element.ts'

elementSuite('memory', async () => {
  const element = new MemoryElement('memory')
  return { element, close: () => element[Symbol.asyncDispose]() }
})

const kinds = [
  { packedBlobBytesMax: 0, writerThreads: 0 },
  { packedBlobBytesMax: 0, writerThreads: 2 },
  { packedBlobBytesMax: 64 * 1024, writerThreads: 0 },
  { packedBlobBytesMax: 256 * 1024, writerThreads: 1 },
]

for (const kind of kinds) {
  const { packedBlobBytesMax, writerThreads } = kind
  const name = `disk, packing up to ${packedBlobBytesMax} bytes, ${writerThreads} writer threads`
  elementSuite(name, async () => {
    const root = await mkdtemp(join(tmpdir(), 'holdfast-element-'))
    const dir = `${root}/data`
    const openHere = (): Promise<Store> =>
      openStore({ ...kind, dir, transactions: {}, reservedBytes: 0, cacheBytes: 0 })
    let store = await openHere()
    return {
      element: store.element,
      async reopen() {
        await store.close()
        store = await openHere()
        return store.element
      },
      async damage({ location }, offset) {
        const place = parseLocation(location)
        const inPack = place.kind === 'pack'
        const path = inPack ? packPath(dir, place.pack) : blobPath(dir, place.sha256)
        await flipBit(path, offset + (inPack ? place.offset : 0))
      },
      async close() {
        await store.close()
        await rm(root, { recursive: true })
      },
    }
  })
}

async function flipBit(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, at)
    byte[0] = (byte[0] ?? 0) ^ 1
    await file.write(byte, 0, 1, at)
  } finally {
    await file.close()
  }
}
