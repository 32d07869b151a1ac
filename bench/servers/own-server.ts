import { basename, join } from 'node:path'
import { processTree } from '@holdfast/load/process-tree.ts'
import { freePort } from './free-port.ts'
import type { Server } from './server.ts'
import { ServerProcess } from './server-process.ts'

/** A program of the bench that takes its port as the last argument and keeps nothing. */
export interface OwnServer {
  readonly dir: string
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
}

/** Starts it; `clear` is a new process, as nothing is kept. */
export async function startOwn({ dir, name, file, args }: OwnServer): Promise<Server> {
  const port = await freePort()
  const command = {
    file: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', file, ...args, String(port)],
    logFile: join(dir, `${[basename(file, '.ts'), ...args].join('-')}.log`),
    readyUrl: `http://127.0.0.1:${port}/-/ready`,
  }
  let child = await ServerProcess.start(command)
  return {
    name,
    durability: 'nothing is kept',
    port,
    createdStatus: 201,
    place: folder => ({ pathPrefix: `/${folder}/`, headers: {} }),
    pids: () => processTree(child.pid),
    async clear() {
      await child.stop()
      child = await ServerProcess.start(command)
    },
    stop: () => child.stop(),
  }
}
