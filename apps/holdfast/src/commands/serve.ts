import { writeSync } from 'node:fs'
import { constants } from 'node:os'
import type { RunningServer } from '@holdfast/server/serve.ts'
import type { Command } from 'commander'
import { say, sayTrace } from '../output/say.ts'
import { firstKeyBox } from '../upkeep/first-key-box.ts'
import { readSettings, type SettingsOptions } from '../upkeep/read-settings.ts'
import { requireFreePort } from '../upkeep/require-free-port.ts'
import { startFailureText } from '../upkeep/start-failure.ts'

export function addServe(program: Command): void {
  program
    .command('serve')
    .summary('run the server')
    .description('Run the server until SIGTERM or Ctrl-C. Log lines are JSON on the output.')
    .option('--data-dir <dir>', 'where the store lies, instead of STORAGE_DATA_DIR')
    .option('--host <address>', 'address to listen on, instead of STORAGE_HOST')
    .option('--port <port>', 'port to listen on, instead of STORAGE_PORT')
    .action(async (options: SettingsOptions, command: Command) => {
      const isDebug = command.optsWithGlobals<{ debug?: boolean }>().debug === true
      await runServer(options, isDebug)
    })
}

/** The store failed under us: nothing more may be acknowledged, the next start recovers. */
const EXIT_FATAL = 70

async function runServer(options: SettingsOptions, isDebug: boolean): Promise<void> {
  const { settings, notices, given } = readSettings(options)
  for (const notice of notices) say(notice)
  const stopped = stopSignal()
  process.on('uncaughtException', error => {
    say('failed by an error that nobody expected:')
    sayTrace(error)
    process.exit(EXIT_FATAL)
  })
  let server: RunningServer
  try {
    await requireFreePort(settings.host, settings.port)
    // Where a further port is only the default one, a second server does without it.
    if (settings.s3Enabled && settings.s3Port !== undefined) {
      await requireFreePort(settings.s3Host ?? settings.host, settings.s3Port)
    }
    if (given.has('METRICS_PORT') && settings.metricsEnabled) {
      await requireFreePort(settings.metricsHost, settings.metricsPort)
    }
    // The program is quick to start for the commands that do not need the server.
    const { serve } = await import('@holdfast/server/serve.ts')
    server = await serve({
      settings,
      // Written at once: whatever fails later, the key has been seen.
      onFirstKey: secret => writeSync(process.stderr.fd, firstKeyBox(secret)),
      onFatal: reason => {
        say(`the store failed: ${withoutStack(reason)}; start again to recover`)
        process.exit(EXIT_FATAL)
      },
    })
  } catch (error) {
    say(startFailureText(error, settings))
    if (isDebug) sayTrace(error)
    process.exit(1)
  }
  const s3 = server.s3Url === undefined ? '' : `, S3 on ${server.s3Url}`
  say(`listening on ${server.url}${s3}, data in ${settings.dataDir}`)
  await stopped
  say('stopping; running transfers may finish')
  await server.stop()
  process.exit(0)
}

/** The places in the program are in the log. */
function withoutStack(reason: string): string {
  const lines = reason.split('\n').filter(line => !/^\s+at /.test(line))
  return lines.join(', ')
}

/** One wish to stop often arrives twice, from the terminal and from the launcher. */
const SAME_WISH_MS = 600

/** Resolves at the first signal; a later one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise(resolve => {
    let firstMs: number | undefined
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => {
        const nowMs = performance.now()
        if (firstMs === undefined) {
          firstMs = nowMs
          resolve()
        } else if (nowMs - firstMs > SAME_WISH_MS) {
          say('stopped at once')
          process.exit(128 + constants.signals[signal])
        }
      })
    }
  })
}
