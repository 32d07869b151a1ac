import type { Method } from './load-plan.ts'

/** One request that is ready to be sent, and what its answer must be. */
export interface Exchange {
  readonly method: Method
  readonly chunks: readonly Buffer[]
  readonly statuses: readonly number[]
  /** Length that the body of the answer must have; undefined for any. */
  readonly answerBytes: number | undefined
  /** What the body of the answer must begin with. */
  readonly stamp: string | undefined
  /** SHA-256 that the body of the answer must have, where this one is to be hashed. */
  readonly hash: string | undefined
  readonly payloadBytes: number
  /** False for HEAD: a length without the bytes. */
  readonly hasBody: boolean
  /** Length that an answer without a body must tell. */
  readonly headBytes: number
  /** Told when the answer was right. */
  readonly done?: () => void
}

/** Makes the requests of one connection. Its buffers are used again when the answer is there. */
export interface RequestSource {
  next(): Exchange
}

/** The numbers that all connections of a run share. */
export interface NumberCounter {
  value: number
  /** Numbers of objects that this run has put and may delete. */
  readonly put: number[]
  /** MD5s of the bodies from the first number on, where they are told. */
  readonly md5s: readonly string[]
}
