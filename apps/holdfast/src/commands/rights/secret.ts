import type { Command } from 'commander'
import { interruptSignal } from '../../connection/interrupt.ts'
import { print, printJson, say } from '../../output/say.ts'
import { visible } from '../../output/visible.ts'
import { changeText } from '../../upkeep/change-text.ts'
import { openExisting } from '../../upkeep/open-existing.ts'
import { readSettings } from '../../upkeep/read-settings.ts'

interface ChangeOptions {
  readonly dataDir?: string
  readonly revokeS3Keys?: boolean
}

export function addSecret(program: Command): void {
  program
    .command('secret')
    .summary('the secret of the store: change it after a copy of the data directory leaked')
    .description('What signs presigned links and seals S3 secrets and second factors.')
    .command('change')
    .description(
      'Make another secret, seal with it what the one before sealed, and drop that. Links of ' +
        'before are refused, signing keys replaced, sessions ended. The server must be stopped. ' +
        'If it is cut off, run it again.',
    )
    .option('--data-dir <dir>', 'instead of STORAGE_DATA_DIR')
    .option('--revoke-s3-keys', 'revoke all S3 access keys, whose secrets were in the copy')
    .action(async (options: ChangeOptions, command: Command) => {
      const json = command.optsWithGlobals<{ json?: boolean }>().json === true
      const { settings } = readSettings(options)
      const { revokeS3Keys = false } = options
      const store = await openExisting({ settings, newSecret: true })
      say('sealing anew; if this is cut off, run it again')
      try {
        const change = await store.changeSecret({ revokeS3Keys, signal: interruptSignal() })
        if (json) printJson(change)
        else for (const line of changeText(change)) print(visible(line))
      } finally {
        await store.close()
      }
    })
}
