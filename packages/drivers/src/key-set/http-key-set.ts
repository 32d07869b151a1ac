import type { KeySetSource } from '@holdfast/core/ports/key-set.ts'
import { boundedBytes, KEY_SET_BYTES_MAX } from './bounded-bytes.ts'

const MS_MAX = 5_000

/**
 * The key set of an issuer at its address. Only that address is asked: a redirect is a failure, so
 * that whoever answers there cannot send this server elsewhere.
 */
export class HttpKeySet implements KeySetSource {
  readonly place: string

  constructor(url: string) {
    this.place = url
  }

  async load(signal: AbortSignal): Promise<unknown> {
    const response = await fetch(this.place, {
      redirect: 'error',
      headers: { accept: 'application/jwk-set+json, application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(MS_MAX)]),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Error(`the key set was answered with ${response.status}`)
    }
    const bytes = await boundedBytes(response, KEY_SET_BYTES_MAX)
    const document: unknown = JSON.parse(bytes.toString('utf8'))
    return document
  }
}
