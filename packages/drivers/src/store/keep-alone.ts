import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type {
  ByteSource,
  Staging,
  WriteOptions,
  WrittenBlob,
} from '@holdfast/core/ports/element.ts'
import { DROP, KEEP } from './element-transactions.ts'

/** Writes and removals of an element on its own, as commits of their own. */
export function keepAlone(
  catalog: Catalog,
  staging: Staging,
): {
  keep(source: ByteSource, write: WriteOptions): Promise<WrittenBlob>
  drop(location: string): Promise<void>
  locate(sha256: string): Promise<string | undefined>
} {
  const by = { actor: 'system', requestId: '' }
  return {
    async keep(source, write) {
      const staged = await staging.stage(source, write)
      try {
        const { sha256, md5, size, blockBytes, sums } = staged
        const facts = { sha256, md5, size, blockBytes, sums }
        const location = await catalog.write(KEEP, facts, { ...by, staged: [staged] })
        return { ...facts, location: String(location) }
      } finally {
        await staged.discard()
      }
    },
    async locate(sha256) {
      return (await catalog.view.blobs.get(sha256))?.location
    },
    async drop(location) {
      await catalog.write(DROP, location, by)
    },
  }
}
