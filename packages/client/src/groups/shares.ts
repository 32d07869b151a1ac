import type { BodyOf, QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import { type Download, type DownloadOptions, startDownload } from '../download/download.ts'
import type { CallOptions } from '../options.ts'
import { callJson, readJson } from '../wire/operations.ts'
import type { Transport } from '../wire/transport.ts'

export interface OpenOptions {
  readonly password?: string
}

type Shared = Awaited<ReturnType<typeof callJson<'describeShare'>>>

/** Links for people: they expire, are counted, and can be revoked. */
export function shareCalls(transport: Transport) {
  const linkRequest = (url: string, password: string | undefined) => ({
    method: 'GET' as const,
    address: new URL(url, `${transport.url}/`).href,
    ...(password === undefined ? {} : { headers: { authorization: basic(password) } }),
    isLink: true,
    safe: true,
    options: {},
  })
  return {
    /** The answer holds the link itself, this once. */
    async create(share: BodyOf<Routes['createShare']>, options: CallOptions = {}) {
      const call = { method: 'POST', path: '/api/v2/shares', json: share, options } as const
      return await callJson(transport, 'createShare', call)
    },

    async list(query: QueryOf<Routes['listShares']> = {}, options: CallOptions = {}) {
      const call = { method: 'GET', path: '/api/v2/shares', query, options } as const
      return await callJson(transport, 'listShares', call)
    },

    async get(id: string, options: CallOptions = {}) {
      const path = '/api/v2/shares/{id}'
      const call = { method: 'GET', path, params: { id }, options } as const
      return await callJson(transport, 'getShare', call)
    },

    async revoke(id: string, options: CallOptions = {}): Promise<void> {
      const path = '/api/v2/shares/{id}'
      const call = { method: 'DELETE', path, params: { id }, options } as const
      await callJson(transport, 'revokeShare', call)
    },

    /** What a link opens; no key is sent, and nothing is counted. */
    async describe(
      url: string,
      query: QueryOf<Routes['describeShare']> = {},
      { password, ...options }: CallOptions & OpenOptions = {},
    ): Promise<Shared> {
      const { origin, pathname } = new URL(url, `${transport.url}/`)
      const address = new URL(pathname.replace(/^\/s\//, '/api/v2/shared/'), origin)
      for (const [name, value] of Object.entries(query)) {
        address.searchParams.set(name, String(value))
      }
      const request = { ...linkRequest(address.href, password), idempotent: true, options }
      return await transport.run<Shared>(request, readJson)
    },

    /** Downloads from a link, or from the `url` of one of its files; no key is sent. It counts. */
    async download(
      url: string,
      { password, ...options }: DownloadOptions & OpenOptions = {},
    ): Promise<Download> {
      // Sent again it would be counted again.
      const request = { ...linkRequest(url, password), idempotent: false }
      return await startDownload(transport, request, options)
    },
  }
}

/** RFC 7617, with the text in UTF-8. */
function basic(password: string): string {
  const bytes = new TextEncoder().encode(`:${password}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}
