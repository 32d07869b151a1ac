import type { BlobPlace, Element } from '@holdfast/core/ports/element.ts'

/** Elements that break one promise each; the suite must notice every one. */
export const elementMutants: Record<string, (element: Element) => Partial<Element>> = {
  'E1 shows blobs early': element => ({
    async *list() {
      yield { sha256: '0'.repeat(64), location: 'early', size: 0 }
      yield* element.list()
    },
  }),
  'E2 forgets the last note': element => ({
    writeNote: async (name, text, options) =>
      text === 'new' ? true : element.writeNote(name, text, options),
  }),
  'E5 remove of the missing fails': element => ({
    async remove(location) {
      if ((await element.stat(location)) === undefined) throw new Error('not there')
      await element.remove(location)
    },
  }),
  'E6 list leaves one out': element => ({
    async *list() {
      let n = 0
      for await (const blob of element.list()) if (n++ !== 100) yield blob
    },
  }),
  'E6 list gives one twice': element => ({
    async *list() {
      let n = 0
      for await (const blob of element.list()) {
        if (n++ === 50) yield blob
        yield blob
      }
    },
  }),
  'E7 keeps what failed': element => ({
    async write(source, options) {
      const chunks: Uint8Array[] = []
      try {
        return await element.write(copied(source, chunks), options)
      } catch (error) {
        await element.write(from(chunks), {})
        throw error
      }
    },
  }),
  'E8 gives damaged bytes out': element => {
    const written = new Map<string, BlobPlace>()
    return {
      async write(source, options) {
        const blob = await element.write(source, options)
        written.set(blob.location, blob)
        return blob
      },
      // The sums of the write instead of those of the reader: as good as no check.
      read: (place, range) => element.read(written.get(place.location) ?? place, range),
    }
  },
  'E8 range ends one early': element => ({
    read: (place, range) =>
      element.read(place, range && { first: range.first, last: Math.max(0, range.last - 1) }),
  }),
  'E9 ignores digests': element => ({
    write: (source, { expected: _, ...options }) => element.write(source, options),
  }),
  'E9 ignores the length': element => ({
    write: (source, { length: _, ...options }) => element.write(source, options),
  }),
  'E9 ignores the limit': element => ({
    write: (source, { sizeMax, ...options }) =>
      element.write(sizeMax === undefined ? source : limited(source, 10 * sizeMax), options),
  }),
  'ifAbsent replaces': element => ({
    writeNote: (name, text) => element.writeNote(name, text),
  }),
}

export function mutantElement(element: Element, name: string): Element {
  const changes = elementMutants[name]?.(element)
  if (changes === undefined) throw new RangeError(`no mutant ${name}`)
  return {
    id: element.id,
    traits: element.traits,
    write: (source, options) => element.write(source, options),
    read: (place, range) => element.read(place, range),
    stat: location => element.stat(location),
    remove: location => element.remove(location),
    list: () => element.list(),
    readNote: (note, options) => element.readNote(note, options),
    writeNote: (note, text, options) => element.writeNote(note, text, options),
    probe: () => element.probe(),
    [Symbol.asyncDispose]: () => element[Symbol.asyncDispose](),
    ...changes,
  }
}

async function* copied(source: AsyncIterable<Uint8Array>, into: Uint8Array[]) {
  for await (const chunk of source) {
    into.push(chunk)
    yield chunk
  }
}

async function* from(chunks: readonly Uint8Array[]) {
  for (const chunk of chunks) yield chunk
}

async function* limited(source: AsyncIterable<Uint8Array>, bytesMax: number) {
  let bytes = 0
  for await (const chunk of source) {
    yield chunk
    bytes += chunk.length
    if (bytes > bytesMax) return
  }
}
