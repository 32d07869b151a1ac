/** Randomness. The real one is cryptographic; simulations pass a seeded one. */
export interface Random {
  /** Fresh, writable bytes that the caller may keep. */
  bytes(count: number): Uint8Array
}
