import type { Clock } from '@holdfast/core/ports/clock.ts'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { parseSettings } from '@holdfast/server/config/parse-settings.ts'
import { settingsTable } from '@holdfast/server/config/settings-table.ts'
import { serve } from '@holdfast/server/serve.ts'
import { type Asked, jsonOf, type Tree, Wire } from './wire.ts'

export const adminKey = 'lab-administrator-key-0123456789'
export const s3Key = {
  id: 'LABADMINISTRATOR0001',
  secret: 'lab-administrator-secret-0123456789abc',
}

/** A real server with a real store, on free ports, whose catalog and log can be looked into. */
export interface Lab extends AsyncDisposable {
  readonly rest: Wire
  readonly s3: Wire
  readonly dir: string
  readonly log: readonly string[]
  readonly context: Awaited<ReturnType<typeof serve>>['context']
  /** The wall clock of the server goes so much further. */
  jump(ms: number): void
  now(): number
  /** As administrator, and it must succeed. */
  must(method: string, path: string, body?: Tree): Promise<Tree>
  /** Number of the last change of the store: a request that changed nothing leaves it. */
  changes(): Promise<number>
}

/** Who asks a thousand times is told so before anything else: here it is asked who may what. */
const withoutLimits = Object.fromEntries(
  Object.values<{ readonly name: string }>(settingsTable)
    .filter(({ name }) => name.startsWith('RATE_LIMIT_'))
    .map(({ name }) => [`STORAGE_${name}`, 'off']),
)

export interface LabOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly keepAlive?: boolean
  /** Of bcrypt: the least, unless what is judged is its time; undefined: that of the program. */
  readonly passwordCost?: number | undefined
}

export async function openLab(dir: string, options: LabOptions = {}): Promise<Lab> {
  let aheadMs = 0
  const clock: Clock = {
    now: () => systemClock.now() + aheadMs,
    monotonic: () => systemClock.monotonic(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  }
  const { settings } = parseSettings({
    env: {
      ...withoutLimits,
      STORAGE_PORT: '0',
      STORAGE_METRICS_PORT: '0',
      STORAGE_METRICS_AUTH: 'on',
      STORAGE_DATA_DIR: dir,
      STORAGE_BOOTSTRAP_API_KEY: adminKey,
      STORAGE_BOOTSTRAP_S3_ACCESS_KEY_ID: s3Key.id,
      STORAGE_BOOTSTRAP_S3_SECRET_ACCESS_KEY: s3Key.secret,
      STORAGE_RESERVED_SPACE: '0',
      STORAGE_SHUTDOWN_TIMEOUT: '2',
      STORAGE_GARBAGE_INTERVAL: '0',
      ...options.env,
    },
  })
  const log: string[] = []
  const running = await serve({
    settings,
    clock,
    passwordCost: Object.hasOwn(options, 'passwordCost') ? options.passwordCost : 4,
    logTo: { write: (line: string) => log.push(line) },
  })
  const rest = new Wire(running.url, options.keepAlive)
  const s3 = new Wire(running.s3Url ?? running.url, options.keepAlive)
  const { context } = running
  return {
    ...{ rest, s3, dir, log, context },
    jump: ms => {
      aheadMs += ms
    },
    now: () => clock.now(),
    must: async (method, path, body) => {
      const answer = await rest.ask(asAdministrator(method, path, body))
      if (answer.status < 300) return jsonOf(answer)
      throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    },
    changes: async () => await context.engine.catalog.view.changes.latest(),
    async [Symbol.asyncDispose]() {
      rest[Symbol.dispose]()
      s3[Symbol.dispose]()
      await running.stop()
    },
  }
}

/** As somebody else, and it must succeed. */
export async function asCaller(
  lab: Lab,
  who: { readonly headers: Readonly<Record<string, string>> },
  asked: { readonly method: string; readonly path: string; readonly body?: Tree },
): Promise<Tree> {
  const { method, path, body } = asked
  const { headers, ...plain } = asAdministrator(method, path, body)
  const { 'x-api-key': _, ...others } = { ...headers }
  const answer = await lab.rest.ask({ ...plain, headers: { ...others, ...who.headers } })
  if (answer.status < 300) return jsonOf(answer)
  throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
}

function asAdministrator(method: string, path: string, body: Tree): Asked {
  const headers = { 'x-api-key': adminKey }
  if (body === undefined) return { method, path, headers }
  if (body instanceof Uint8Array) return { method, path, headers, body }
  const type = { 'content-type': 'application/json' }
  return { method, path, headers: { ...headers, ...type }, body: Buffer.from(JSON.stringify(body)) }
}
