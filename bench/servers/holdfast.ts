import { mkdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { S3Signer } from '@holdfast/load/load-plan.ts'
import { processTree } from '@holdfast/load/process-tree.ts'
import { S3Signature } from '@holdfast/load/s3-signature.ts'
import { blocksBelow } from './disk-blocks.ts'
import { freePort } from './free-port.ts'
import type { Server, StartOptions, StartServer } from './server.ts'
import { ServerProcess } from './server-process.ts'

const ownRoot = dirname(dirname(import.meta.dirname))
const apiKey = 'bench-administrator-key'
export const signer: S3Signer = {
  accessKeyId: 'BENCHACCESSKEY000001',
  secret: 'bench-secret-access-key',
  region: 'us-east-1',
}
/** Carries signatures to REST, which does not know it. */
export const SIGNATURE_HEADER = 'x-signature'
const s3Bucket = 'bench'
const bucketPath = '/api/v2/buckets/holdfast/assets'

/** Holdfast as it ships, without a line of log for every request: nginx writes none either. */
export function startHoldfast(options: StartOptions): Promise<Server> {
  return startCheckout(options, { name: 'Holdfast', root: ownRoot })
}

/** REST that takes the MD5 of each body as well, as the S3 door has to. */
export function tellingMd5(server: Server): Server {
  return {
    ...server,
    name: 'Holdfast, MD5 told',
    place: folder => ({ ...server.place(folder), tellsMd5: true }),
  }
}

/** REST whose client signs each request, though nobody looks at it: as busy as one of S3. */
export async function startHoldfastSigned(options: StartOptions): Promise<Server> {
  return withSignatures(await startHoldfast(options), 'Holdfast, signed in vain')
}

/** The same, and each signature is checked before a quick read or put, whose MD5 is kept. */
export async function startHoldfastChecked(options: StartOptions): Promise<Server> {
  const checkout = { name: 'Holdfast', root: ownRoot, program: checkedProgram }
  return withSignatures(await startCheckout(options, checkout), 'Holdfast, signature checked')
}

function withSignatures(server: Server, name: string): Server {
  const place = (folder: string) => {
    return { ...server.place(folder), signer: { ...signer, header: SIGNATURE_HEADER } }
  }
  return { ...server, name, place }
}

/** Holdfast out of another checkout, to compare two states of the code. */
export function startOtherHoldfast(root: string): StartServer {
  return options => startCheckout(options, { name: `Holdfast of ${basename(root)}`, root })
}

export interface S3Ask {
  readonly method: 'GET' | 'PUT' | 'POST'
  /** As it is signed: encoded, the query in order. */
  readonly target: string
  readonly body?: Buffer<ArrayBuffer>
}

/** One signed request to the S3 door; refusals are errors. */
export async function askS3(
  { port }: Pick<Server, 'port'>,
  { method, target, body }: S3Ask,
): Promise<Response> {
  const headers = new S3Signature(signer, `127.0.0.1:${port}`).headersOf(method, target)
  const url = `http://127.0.0.1:${port}${target}`
  const answer = await fetch(url, { method, headers, body: body ?? null })
  if (answer.ok) return answer
  throw new Error(`${method} ${target}: ${answer.status} ${(await answer.text()).slice(0, 300)}`)
}

/** Two doors of one process. */
export interface DoorsServer extends Server {
  readonly rest: Server
}

/** The S3 door of Holdfast, with signed requests. */
export async function startHoldfastS3(options: StartOptions): Promise<DoorsServer> {
  const port = await freePort()
  const server = await startCheckout(options, { name: 'Holdfast S3', root: ownRoot, s3Port: port })
  const makeBucket = async () => {
    await askS3({ port }, { method: 'PUT', target: `/${s3Bucket}` })
  }
  await makeBucket()
  const clear = async () => {
    await server.clear()
    await makeBucket()
  }
  return {
    ...server,
    port,
    createdStatus: 200,
    place: folder => ({
      pathPrefix: `/${s3Bucket}/${folder}/`,
      headers: { 'Content-Type': 'application/octet-stream' },
      signer,
    }),
    clear,
    rest: { ...server, name: 'Holdfast', clear },
  }
}

interface Checkout {
  readonly name: string
  readonly root: string
  readonly s3Port?: number
  /** What to run; `holdfast serve` unless set. */
  readonly program?: readonly string[]
}

async function startCheckout(
  { dir, profileDir }: StartOptions,
  { name, root, s3Port, program = served(root) }: Checkout,
): Promise<Server> {
  const port = await freePort()
  const dataDir = join(dir, 'data')
  const profile = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`]
  mkdirSync(dir, { recursive: true })
  const command = {
    file: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', ...profile, ...program],
    env: {
      STORAGE_HOST: '127.0.0.1',
      STORAGE_PORT: String(port),
      STORAGE_DATA_DIR: dataDir,
      STORAGE_BOOTSTRAP_API_KEY: apiKey,
      STORAGE_METRICS_PORT: '0',
      ...s3Settings(s3Port),
      STORAGE_LOG_LEVEL: 'warn',
      UV_THREADPOOL_SIZE: '8',
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

function served(root: string): string[] {
  return [join(root, 'apps', 'holdfast', 'bin', 'holdfast.js'), 'serve']
}

/** With the memory that `holdfast serve` gives itself. */
const checkedProgram = [
  ...['--min-semi-space-size=4', '--import', join(ownRoot, 'bench', 'floor', 'serve-memory.ts')],
  join(ownRoot, 'bench', 'floor', 'checked-rest.ts'),
]

function s3Settings(port: number | undefined): Record<string, string> {
  if (port === undefined) return { STORAGE_S3_ENABLED: 'off' }
  return {
    STORAGE_S3_PORT: String(port),
    STORAGE_BOOTSTRAP_S3_ACCESS_KEY_ID: signer.accessKeyId,
    STORAGE_BOOTSTRAP_S3_SECRET_ACCESS_KEY: signer.secret,
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
