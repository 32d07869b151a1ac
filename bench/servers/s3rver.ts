// The nearest peer on the same platform: an S3 server for Node that keeps objects as files. Run as
// a program: `node s3rver.ts <its module> <directory> <port>`.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { S3Signer } from '@holdfast/load/load-plan.ts'
import { processTree } from '@holdfast/load/process-tree.ts'
import { freePort } from './free-port.ts'
import type { Server, StartOptions } from './server.ts'
import { ServerProcess } from './server-process.ts'

/** The fork that is kept up to date and runs on Node 24. */
const packageName = '@20minutes/s3rver'
const version = '5.0.0'
const home = join(dirname(import.meta.dirname), '.data', `s3rver-${version}`)
const bucket = 'bench'
/** The only key pair it knows. */
const signer: S3Signer = { accessKeyId: 'S3RVER', secret: 'S3RVER', region: 'us-east-1' }

/** s3rver with its defaults, signatures checked, without a line of log for every request. */
export async function startS3rver({ dir }: StartOptions): Promise<Server> {
  const port = await freePort()
  const data = join(dir, 'data')
  const command = {
    file: process.execPath,
    args: [import.meta.filename, installedModule(), data, String(port)],
    env: { NODE_ENV: 'production' },
    logFile: join(dir, 's3rver.log'),
    readyUrl: `http://127.0.0.1:${port}/`,
  }
  mkdirSync(data, { recursive: true })
  let child = await ServerProcess.start(command)
  return {
    name: `s3rver ${version}`,
    durability: 'no fsync',
    port,
    createdStatus: 200,
    place: folder => ({
      pathPrefix: `/${bucket}/${folder}/`,
      headers: { 'Content-Type': 'application/octet-stream' },
      signer,
    }),
    pids: () => processTree(child.pid),
    async clear() {
      await child.stop()
      rmSync(data, { recursive: true, force: true })
      mkdirSync(data)
      child = await ServerProcess.start(command)
    },
    stop: () => child.stop(),
  }
}

/** Installs it beside the results at the first use: nothing but this row needs it. */
function installedModule(): string {
  const module = join(home, 'node_modules', packageName)
  if (existsSync(module)) return module
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true }))
  console.error(`bench: installing s3rver ${version} through npm`)
  const install = ['install', '--ignore-scripts', '--no-audit', `${packageName}@${version}`]
  const { status, stderr } = spawnSync('npm', install, { cwd: home, encoding: 'utf8' })
  if (status === 0) return module
  rmSync(home, { recursive: true, force: true })
  throw new Error(`s3rver cannot be installed: ${stderr}`)
}

function serveS3rver(module: string, directory: string, port: number): void {
  const S3rver = createRequire(import.meta.url)(module)
  const server = new S3rver({
    address: '127.0.0.1',
    port,
    directory,
    silent: true,
    configureBuckets: [{ name: bucket }],
  })
  void server.run()
  process.once('SIGTERM', () => process.exit(0))
}

if (import.meta.main) {
  const [module = '', directory = '', port] = process.argv.slice(2)
  serveS3rver(module, directory, Number(port))
}
