import { type Command, InvalidArgumentError } from 'commander'
import { type Connection, connect } from '../connection/connection.ts'
import { findAsset } from '../connection/find-asset.ts'
import { parseSeconds, parseSize } from '../output/amounts.ts'
import { print, printJson, say } from '../output/say.ts'
import { UsageError } from '../output/usage-error.ts'

interface LinkOptions {
  readonly expires: number
  readonly assetVersion?: number
  readonly upload?: boolean
  readonly sizeMax?: number
  readonly contentType?: string
}

export function addLink(program: Command): void {
  program
    .command('link')
    .summary('make an address that works without an API key for a while')
    .description('Make an address that works without an API key until it expires.')
    .argument('<key>', 'key or id of the asset; with --upload, the key to upload to')
    .option('--expires <time>', 'from 60s to 24h', parseExpiry, 3600)
    .option('--asset-version <number>', 'this version instead of the current one', parseVersion)
    .option('--upload', 'to upload with PUT instead of to download')
    .option('--size-max <bytes>', 'largest upload, such as 10MiB', parseBytes)
    .option('--content-type <type>', 'only type that the upload may have')
    .action(async (name: string, options: LinkOptions, command: Command) => {
      const connection = connect(command)
      if (options.upload === true) await linkUpload(connection, name, options)
      else await linkDownload(connection, name, options)
    })
}

async function linkDownload(
  connection: Connection,
  name: string,
  options: LinkOptions,
): Promise<void> {
  if (options.sizeMax !== undefined || options.contentType !== undefined) {
    throw new UsageError('--size-max and --content-type belong to --upload')
  }
  const { client, json, signal } = connection
  const { id } = await findAsset(connection, name)
  const version = options.assetVersion === undefined ? {} : { version: options.assetVersion }
  const query = { expiration: options.expires, ...version }
  const link = await client.presigned.forDownload(id, query, { signal })
  if (json) printJson(link)
  else print(link.url)
}

async function linkUpload(
  { client, bucket, json, signal }: Connection,
  key: string,
  options: LinkOptions,
): Promise<void> {
  if (options.assetVersion !== undefined)
    throw new UsageError('--asset-version belongs to downloads')
  const { sizeMax, contentType } = options
  const request = {
    bucket,
    key,
    expiration: options.expires,
    ...(sizeMax === undefined ? {} : { size_max: sizeMax }),
    ...(contentType === undefined ? {} : { content_type: contentType }),
  }
  const link = await client.presigned.forUpload(request, { signal })
  if (json) {
    printJson(link)
    return
  }
  print(link.url)
  for (const [header, value] of Object.entries(link.headers)) say(`send ${header}: ${value}`)
}

function parseExpiry(text: string): number {
  const seconds = parseSeconds(text)
  if (seconds === undefined || seconds < 60 || seconds > 86_400) {
    throw new InvalidArgumentError('It must be from 60s to 24h.')
  }
  return seconds
}

function parseVersion(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('It must be a number.')
  return Number(text)
}

function parseBytes(text: string): number {
  const bytes = parseSize(text)
  if (bytes === undefined) throw new InvalidArgumentError('It must look like 10MiB.')
  return bytes
}
