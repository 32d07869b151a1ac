import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A real Redis on a Unix socket of its own; it keeps nothing. */
export interface RedisServer extends AsyncDisposable {
  readonly socket: string
  readonly url: string
  /** Ends the process at once, as a crash does. */
  stop(): Promise<void>
  start(): Promise<void>
  /** It takes no processor time any more, and answers nobody. */
  freeze(): void
  thaw(): void
}

/** A reason to skip, or false. */
export function redisMissing(): string | false {
  const found = spawnSync('redis-server', ['--version']).status === 0
  return found ? false : 'redis-server is not installed'
}

const READY_TRIES = 1000

export async function startRedis(
  options: { readonly password?: string } = {},
): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-redis-'))
  const socket = join(dir, 'redis.sock')
  const { password } = options
  let child: ChildProcess | undefined
  const start = async () => {
    const args = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no']
    if (password !== undefined) args.push('--requirepass', password)
    child = spawn('redis-server', [...args, '--dir', dir], { stdio: 'ignore' })
    await accepts(socket)
  }
  const stop = async () => {
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    child = undefined
    rmSync(socket, { force: true })
  }
  try {
    await start()
  } catch (error) {
    await stop()
    rmSync(dir, { recursive: true, force: true })
    throw error
  }
  const secret = password === undefined ? '' : `:${password}@`
  return {
    ...{ socket, start, stop },
    url: `unix://${secret}localhost${socket}`,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      await stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function accepts(socket: string): Promise<void> {
  for (let tries = 0; tries < READY_TRIES; tries += 1) {
    const isOpen = await new Promise<boolean>(resolve => {
      const stream = connect(socket)
      stream.once('connect', () => resolve(true)).once('error', () => resolve(false))
      stream.once('connect', () => stream.destroy())
    })
    if (isOpen) return
    await delay(20)
  }
  throw new Error('redis-server does not listen')
}
