/** Of a key set, wherever it lies. */
export const KEY_SET_BYTES_MAX = 256 * 1024

/**
 * The bytes of an answer of another place, which may send as many as it likes: what is longer, also
 * when it is unpacked, is an error, and is not read to its end.
 */
export async function boundedBytes(response: Response, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new Error(`the answer is longer than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
