import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'

/** Free key-value data as the wire carries it. */
export type JsonObject = AssetResponse['metadata']
