import type { CustomFetch } from 'openid-client'
import { boundedBytes } from '../key-set/bounded-bytes.ts'

const BYTES_MAX = 256 * 1024

/**
 * What the library asks the provider with. It would read an answer into memory however long it is;
 * redirects it refuses by itself.
 */
export const boundedFetch: CustomFetch = async (url, options) => {
  const { body, ...others } = options
  const response = await fetch(url, { ...others, ...(body == null ? {} : { body }) })
  const bytes = await boundedBytes(response, BYTES_MAX)
  const { status, statusText, headers } = response
  return new Response(bytes.length === 0 ? null : new Uint8Array(bytes), {
    ...{ status, statusText, headers },
  })
}
