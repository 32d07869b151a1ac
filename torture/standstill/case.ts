import type { Asked } from '../access/wire.ts'

/** One request that is sent many times at once. */
export interface Case {
  readonly name: string
  readonly operation: string
  readonly door: 'rest' | 's3'
  /** Prepares what it is about; throws where that cannot be made. */
  make(): Promise<Asked>
}
