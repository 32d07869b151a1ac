import type { Place } from '@holdfast/load/load-plan.ts'

export interface Server {
  readonly name: string
  /** What a successful answer to a PUT means, in a few words. */
  readonly durability: string
  readonly port: number
  /** Status of a PUT that created an object. */
  readonly createdStatus: number
  /** Where objects of this folder are put and found. */
  place(folder: string): Place
  pids(): number[]
  /** Throws all data away; afterwards the server is empty and ready. */
  clear(): Promise<void>
  stop(): Promise<void>
  /** What can be asked of a server whose data directory is known; absent on others. */
  readonly store?: ServerStore
}

export interface ServerStore {
  /** Kills the server without a word and starts it again; ms until it is ready. */
  crash(): Promise<number>
  /** Blocks of everything it keeps, in bytes. */
  diskBytes(): number
  catalogBytes(): number
}

export interface StartOptions {
  /** Empty directory for everything the server writes. */
  readonly dir: string
  /** Directory for V8 CPU profiles; undefined for none. */
  readonly profileDir?: string | undefined
}

export type StartServer = (options: StartOptions) => Promise<Server>
