import { type Command, InvalidArgumentError } from 'commander'
import { connect } from '../connection/connection.ts'
import { countText } from '../output/amounts.ts'
import { collect } from '../output/collect.ts'
import { print, printJson, say } from '../output/say.ts'
import { visible } from '../output/visible.ts'
import { longLine } from './ls.ts'

interface SearchOptions {
  readonly limit: number
  readonly all?: boolean
  readonly tag?: readonly string[]
  readonly deleted?: boolean
}

export function addSearch(program: Command): void {
  program
    .command('search')
    .summary('find assets by words')
    .description(
      'Find assets by words in name, key, tags and metadata. All words must be found, each as ' +
        'the beginning of a word; a "phrase in quotes" matches exactly.',
    )
    .argument('[words...]', 'what to look for')
    .option('-n, --limit <count>', 'how many to show', parseCount, 100)
    .option('--tag <tag>', 'only assets with this tag; repeated: with any', collect)
    .option('--deleted', 'only deleted assets')
    .option('--all', 'in all buckets')
    .action(async (words: string[], options: SearchOptions, command: Command) => {
      const { client, bucket, json, signal } = connect(command)
      const query = {
        ...(options.all === true ? {} : { bucket }),
        ...(words.length === 0 ? {} : { search: words.join(' ') }),
        ...(options.tag === undefined ? {} : { tags: [...options.tag] }),
        ...(options.deleted === true ? { only_deleted: true } : {}),
        limit: Math.min(options.limit, 1000),
      }
      const { total } = await client.assets.list({ ...query, limit: 1 }, { signal })
      let shown = 0
      for await (const asset of client.assets.listAll(query, { signal })) {
        if (shown === options.limit) break
        shown += 1
        if (json) printJson(asset)
        else print(`${longLine(asset)}  ${asset.id}  ${visible(asset.key)}`)
      }
      if (shown < total) say(`${countText(total, 'asset')} match, ${shown} shown; see --limit`)
    })
}

function parseCount(text: string): number {
  const count = Number(text)
  if (!/^\d{1,7}$/.test(text) || count < 1) throw new InvalidArgumentError('It must be 1 or more.')
  return count
}
