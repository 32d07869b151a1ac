import { type Command, InvalidArgumentError } from 'commander'
import { type Connection, connect } from '../connection/connection.ts'
import { collect } from '../output/collect.ts'
import { UsageError } from '../output/usage-error.ts'
import { visible } from '../output/visible.ts'
import { showProgress } from '../transfer/progress.ts'
import { type LocalFile, type Present, putFile } from '../transfer/put-file.ts'
import { isHopeless, Tally } from '../transfer/tally.ts'
import { walkTree } from '../transfer/walk-tree.ts'
import { runPool } from '../transfer/work-pool.ts'

interface PutOptions {
  readonly prefix: string
  readonly jobs: number
  readonly sync?: boolean
  readonly skipExisting?: boolean
  readonly follow?: boolean
  readonly contentType?: string
  readonly tag?: string[]
  readonly progress: boolean
}

export function addPut(program: Command): void {
  program
    .command('put')
    .summary('put files and directories in')
    .description(
      'Put files and directories in. A file gets its name as key, the files of a directory their ' +
        'paths below it; --prefix goes in front. Empty directories are not kept. What was ' +
        'interrupted goes on with --sync.',
    )
    .argument('<paths...>', 'files and directories')
    .option('--prefix <prefix>', 'where the keys begin, such as photos/2026', '')
    .option('-j, --jobs <count>', 'files on their way at once', parseJobs, 8)
    .option('--sync', 'leave out files whose content is there already, by SHA-256')
    .option('--skip-existing', 'the same as --sync')
    .option('--follow', 'take the files that symbolic links point to')
    .option('--content-type <type>', 'instead of looking at names and bytes')
    .option('--tag <tag>', 'tag for every file; may be repeated', collect)
    .option('--no-progress', 'no progress bar')
    .action(async (paths: string[], options: PutOptions, command: Command) => {
      await put(connect(command), paths, options)
    })
}

export function parseJobs(text: string): number {
  const jobs = Number(text)
  if (!/^\d{1,3}$/.test(text) || jobs < 1 || jobs > 256) {
    throw new InvalidArgumentError('It must be from 1 to 256.')
  }
  return jobs
}

async function put(connection: Connection, paths: string[], options: PutOptions): Promise<void> {
  const { client, bucket, signal, json } = connection
  const tally = new Tally()
  const prefix =
    options.prefix === '' || options.prefix.endsWith('/') ? options.prefix : `${options.prefix}/`
  const files = await collectFiles(paths, {
    prefix,
    follow: options.follow === true,
    signal,
    tally,
  })
  const sync = options.sync === true || options.skipExisting === true
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  const progress = showProgress('put', { files: files.length, bytes }, !options.progress || json)
  const task = {
    client,
    bucket,
    signal,
    progress,
    sync,
    present: sync && files.length > 0 ? presentBelow(connection, prefix) : async () => undefined,
    contentType: options.contentType,
    tags: options.tag ?? [],
  }
  try {
    await runPool(files, options.jobs, async file => {
      signal.throwIfAborted()
      try {
        if ((await putFile(task, file)) === 'sent') tally.done(file.size)
        else tally.skip()
      } catch (error) {
        signal.throwIfAborted()
        if (isHopeless(error)) throw error
        tally.fail(file.path, error)
      }
      progress.fileDone()
    })
  } finally {
    progress.stop()
    tally.report('Put', json)
  }
}

async function collectFiles(
  paths: readonly string[],
  options: { prefix: string; follow: boolean; signal: AbortSignal; tally: Tally },
): Promise<LocalFile[]> {
  const files: LocalFile[] = []
  const pathOf = new Map<string, string>()
  for (const root of paths) {
    for await (const found of walkTree(root, options)) {
      if (found.kind === 'failed') options.tally.fail(found.path, found.error)
      else if (found.kind === 'passed') options.tally.pass(found.path, found.reason)
      else {
        const key = options.prefix + found.name
        const other = pathOf.get(key)
        if (other !== undefined) {
          const both = `${visible(other)} and ${visible(found.path)}`
          throw new UsageError(`${both} would get the same key; put them apart with --prefix`)
        }
        pathOf.set(key, found.path)
        files.push({ path: found.path, key, size: found.size })
      }
    }
  }
  return files
}

/** One listing instead of a question for every file; read when the first file asks. */
function presentBelow(
  { client, bucket, signal }: Connection,
  prefix: string,
): (key: string) => Promise<Present | undefined> {
  let listing: Promise<Map<string, Present>> | undefined
  const read = async () => {
    const present = new Map<string, Present>()
    const query = { prefix, limit: 1000 }
    for await (const { key, size, checksum } of client.assets.listAllKeys(bucket, query, {
      signal,
    })) {
      present.set(key, { size, checksum })
    }
    return present
  }
  return async key => {
    listing ??= read()
    return (await listing).get(key)
  }
}
