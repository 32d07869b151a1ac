import type { LimitStore } from '@holdfast/core/ports/limit-store.ts'

export interface LimitStoreUnderTest {
  readonly store: LimitStore
  /** Lets so much time pass for the store. */
  elapse(ms: number): Promise<void>
  /** Keys that it remembers, where the test can count them. */
  readonly size?: () => number
  close(): Promise<void>
}

export type OpenLimitStore = () => Promise<LimitStoreUnderTest>
