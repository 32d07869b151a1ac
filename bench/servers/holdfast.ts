import { mkdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { processTree } from '@holdfast/load/process-tree.ts'
import { blocksBelow } from './disk-blocks.ts'
import { freePort } from './free-port.ts'
import type { Server, StartOptions, StartServer } from './server.ts'
import { ServerProcess } from './server-process.ts'

const ownRoot = dirname(dirname(import.meta.dirname))
const apiKey = 'bench-administrator-key'
const bucketPath = '/api/v2/buckets/holdfast/assets'

/** Holdfast as it ships, without a line of log for every request: nginx writes none either. */
export function startHoldfast(options: StartOptions): Promise<Server> {
  return startCheckout(options, 'Holdfast', ownRoot)
}

/** Holdfast out of another checkout, to compare two states of the code. */
export function startOtherHoldfast(root: string): StartServer {
  return options => startCheckout(options, `Holdfast of ${basename(root)}`, root)
}

async function startCheckout(
  { dir, profileDir }: StartOptions,
  name: string,
  root: string,
): Promise<Server> {
  const port = await freePort()
  const dataDir = join(dir, 'data')
  const profile = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`]
  mkdirSync(dir, { recursive: true })
  const command = {
    file: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      ...profile,
      join(root, 'apps', 'holdfast', 'bin', 'holdfast.js'),
      'serve',
    ],
    env: {
      STORAGE_HOST: '127.0.0.1',
      STORAGE_PORT: String(port),
      STORAGE_DATA_DIR: dataDir,
      STORAGE_BOOTSTRAP_API_KEY: apiKey,
      STORAGE_METRICS_PORT: '0',
      STORAGE_S3_ENABLED: 'off',
      STORAGE_LOG_LEVEL: 'warn',
    },
    logFile: join(dir, 'holdfast.log'),
    readyUrl: `http://127.0.0.1:${port}/health/ready`,
  }
  let child = await ServerProcess.start(command)
  return {
    name,
    durability: 'fsync before the answer',
    port,
    createdStatus: 201,
    place: folder => ({
      pathPrefix: `${bucketPath}/${folder}/`,
      headers: { 'X-API-Key': apiKey, 'Content-Type': 'application/octet-stream' },
    }),
    pids: () => processTree(child.pid),
    async clear() {
      await child.stop()
      rmSync(dataDir, { recursive: true, force: true })
      child = await ServerProcess.start(command)
    },
    stop: () => child.stop(),
    store: {
      async crash() {
        await child.kill()
        const startedAt = performance.now()
        child = await ServerProcess.start(command)
        return performance.now() - startedAt
      },
      diskBytes: () => blocksBelow(dataDir, () => true),
      catalogBytes: () => blocksBelow(dataDir, file => file.startsWith('catalog.db')),
    },
  }
}

/** Path of a listing with this query; all assets lie in one bucket. */
export function listPath(query: Readonly<Record<string, string>>): string {
  return `${bucketPath}?${new URLSearchParams(query)}`
}

/** Path of a search in that bucket. */
export function searchPath(search: string, limit: number): string {
  return assetsPath({ search, limit: String(limit) })
}

/** Path of its newest assets. */
export function newestPath(limit: number): string {
  return assetsPath({ limit: String(limit) })
}

function assetsPath(query: Readonly<Record<string, string>>): string {
  return `/api/v2/assets?${new URLSearchParams({ bucket: 'holdfast', ...query })}`
}
