import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Staging } from '@holdfast/core/ports/element.ts'
import type { Blob } from '@holdfast/core/records.ts'

export interface CatalogUnderTest {
  /** Runs the transactions of test-transactions.ts. */
  readonly catalog: Catalog
  /** Where bytes for `keepBlob` come from; present exactly where `traits.carriesBytes` is true. */
  readonly staging?: Staging
  /** Reads the bytes of a blob that rode with a transaction. */
  readonly readBlob?: (blob: Blob) => Promise<Uint8Array>
  /** Closes the catalog and opens it again. */
  readonly reopen?: () => Promise<Catalog>
  /** Closes the catalog, forgets everything that can be made again, and makes it again. */
  readonly rebuild?: () => Promise<Catalog>
  close(): Promise<void>
}

export type OpenCatalog = () => Promise<CatalogUnderTest>
