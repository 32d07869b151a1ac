import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Staging } from '@holdfast/core/ports/element.ts'
import { openStore, type Store, type StoreOptions } from '@holdfast/drivers/open.ts'
import type { CatalogUnderTest } from '@holdfast/testkit/catalog/under-test.ts'
import { collect } from '@holdfast/testkit/element/element-test.ts'

/** The SQLite catalog with its store, in a directory that goes away again. */
export async function openUnderTest(options: Partial<StoreOptions>): Promise<CatalogUnderTest> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-catalog-'))
  const open = () => openStore({ dir, reservedBytes: 0, layOutBytes: 65_536, ...options })
  let store: Store = await open()
  const again = async (prepare: () => Promise<void>) => {
    await store.close()
    await prepare()
    store = await open()
    return store.catalog
  }
  const staging: Staging = {
    stage(source, write) {
      if (store.element.staging === undefined) throw new Error('the element stages nothing')
      return store.element.staging.stage(source, write)
    },
  }
  return {
    catalog: store.catalog,
    staging,
    readBlob: async blob => await collect(await store.element.read(blob)),
    reopen: () => again(async () => {}),
    rebuild: () => again(() => forgetCatalog(dir)),
    async close() {
      await store.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function forgetCatalog(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (name.startsWith('catalog.db')) await rm(join(dir, name))
  }
}
