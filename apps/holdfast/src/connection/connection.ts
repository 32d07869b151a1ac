import { createHash } from 'node:crypto'
import { type Client, openClient } from '@holdfast/client'
import type { Command } from 'commander'
import { say } from '../output/say.ts'
import { UsageError } from '../output/usage-error.ts'
import { interruptSignal } from './interrupt.ts'
import { canProve, proveAgain } from './prove-again.ts'

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
  const { env } = process
  const signal = interruptSignal()
  const isDebug = options.debug === true
  try {
    const client: Client = openClient({
      url: options.url ?? (env.HOLDFAST_URL || DEFAULT_URL),
      key: options.key ?? (env.HOLDFAST_API_KEY || undefined),
      sha256: nodeSha256,
      ...(canProve() ? { onConfirm: async confirm => await proveAgain(client, confirm) } : {}),
      ...(isDebug
        ? {
            onRetry: ({ error, waitMs }) => say(`${error.code}, again in ${Math.round(waitMs)} ms`),
          }
        : {}),
    })
    const bucket = options.bucket ?? (env.HOLDFAST_BUCKET || 'holdfast')
    return { client, bucket, json: options.json === true, signal }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
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
