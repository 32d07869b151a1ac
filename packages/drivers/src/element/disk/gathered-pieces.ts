const JOINED_BYTES_MAX = 16 * 1024

/**
 * Keeps one more piece of a body. Tiny ones are joined with those before them, like with like, so
 * that a body of single bytes takes no more memory than its length, and each is copied a few times.
 */
export function keepPiece(pieces: Uint8Array[], piece: Uint8Array): void {
  let last = piece
  for (;;) {
    const before = pieces.at(-1)
    if (before === undefined || before.length > last.length) break
    if (before.length + last.length > JOINED_BYTES_MAX) break
    pieces.pop()
    last = Buffer.concat([before, last])
  }
  pieces.push(last)
}
