import { createHash } from 'node:crypto'
import { type Client, openClient } from '@holdfast/client'
import type { Command } from 'commander'
import { say } from '../output/say.ts'
import { UsageError } from '../output/usage-error.ts'
import { interruptSignal } from './interrupt.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  readonly url?: string
  readonly key?: string
  readonly bucket?: string
  readonly json?: boolean
  readonly debug?: boolean
}

export interface Connection {
  readonly client: Client
  readonly bucket: string
  readonly json: boolean
  readonly signal: AbortSignal
}

const DEFAULT_URL = 'http://127.0.0.1:8005'

/** To the server that options or environment name. */
export function connect(command: Command): Connection {
  const options = command.optsWithGlobals<GlobalOptions>()
  const { url, key, bucket } = namedServer(options)
  const signal = interruptSignal()
  const isDebug = options.debug === true
  try {
    const client = openClient({
      url,
      key,
      sha256: nodeSha256,
      ...(isDebug
        ? {
            onRetry: ({ error, waitMs }) => say(`${error.code}, again in ${Math.round(waitMs)} ms`),
          }
        : {}),
    })
    return { client, bucket, json: options.json === true, signal }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** For commands that speak to it without the client. */
export function serverOf(options: GlobalOptions): {
  readonly base: URL
  readonly key: string | undefined
  readonly bucket: string
} {
  const { url, key, bucket } = namedServer(options)
  const base = URL.parse(url)
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new UsageError(`${url} is not the address of a server`)
  }
  return { base, key, bucket }
}

function namedServer({ url, key, bucket }: GlobalOptions) {
  const { env } = process
  return {
    url: url ?? (env.HOLDFAST_URL || DEFAULT_URL),
    key: key ?? (env.HOLDFAST_API_KEY || undefined),
    bucket: bucket ?? (env.HOLDFAST_BUCKET || 'holdfast'),
  }
}

export function nodeSha256() {
  const hash = createHash('sha256')
  return {
    update: (bytes: Uint8Array) => {
      hash.update(bytes)
    },
    hex: () => hash.digest('hex'),
  }
}
