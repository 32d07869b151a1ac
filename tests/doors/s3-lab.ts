import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseSettings } from '@holdfast/server/config/parse-settings.ts'
import { serve } from '@holdfast/server/serve.ts'

/** A server on free ports, and the programs of others that are run against it. */

export const accessKey = 'HOLDFASTCLIENTS00001'
export const secretKey = 'client-secret-0123456789-abcdefghijklmn'

export interface S3Lab extends AsyncDisposable {
  readonly url: string
  readonly host: string
  /** For files of the clients. */
  readonly dir: string
  /** Certificate that clients must trust; undefined without TLS. */
  readonly ca: string | undefined
  /** Runs a program to its end; its output, or an error with it. */
  run(command: string, args: readonly string[]): Promise<string>
}

const execute = promisify(execFile)
const RUN_MS = 240_000
const OUTPUT_BYTES = 16 * 1024 * 1024

export async function startLab(options: { tls?: boolean } = {}): Promise<S3Lab> {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-s3-'))
  const pair = options.tls === true ? newPair(dir) : undefined
  const { settings } = parseSettings({
    env: {
      STORAGE_PORT: '0',
      STORAGE_METRICS_PORT: '0',
      STORAGE_DATA_DIR: join(dir, 'data'),
      STORAGE_RESERVED_SPACE: '0',
      STORAGE_SHUTDOWN_TIMEOUT: '2',
      STORAGE_LOG_LEVEL: 'silent',
      STORAGE_BOOTSTRAP_API_KEY: 'hf_clients-of-others-0123456789',
      STORAGE_BOOTSTRAP_S3_ACCESS_KEY_ID: accessKey,
      STORAGE_BOOTSTRAP_S3_SECRET_ACCESS_KEY: secretKey,
      ...(pair === undefined
        ? {}
        : { STORAGE_TLS_CERT_FILE: pair.cert, STORAGE_TLS_KEY_FILE: pair.key }),
    },
  })
  const running = await serve({ settings })
  const url = running.s3Url ?? ''
  const home = join(dir, 'home')
  mkdirSync(home)
  // Nothing of this machine: neither its keys nor its certificates.
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    LANG: 'C.UTF-8',
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    RESTIC_PASSWORD: 'restic-password',
    RESTIC_CACHE_DIR: join(home, 'restic'),
    ...(pair === undefined ? {} : { AWS_CA_BUNDLE: pair.cert }),
  }
  return {
    url,
    host: new URL(url).host,
    dir,
    ca: pair?.cert,
    run: async (command, args) => {
      const limits = { timeout: RUN_MS, maxBuffer: OUTPUT_BYTES }
      const { stdout, stderr } = await execute(command, [...args], { env, cwd: dir, ...limits })
      return stdout + stderr
    },
    async [Symbol.asyncDispose]() {
      await running.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function newPair(dir: string): { cert: string; key: string } {
  const pair = { cert: join(dir, 'tls.crt'), key: join(dir, 'tls.key') }
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30']
  const files = ['-keyout', pair.key, '-out', pair.cert]
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, ...files], { stdio: 'ignore' })
  return pair
}

/** Why a test of a program cannot run here; undefined when it can. */
export function missing(command: string): string | false {
  const places = (process.env.PATH ?? '').split(':')
  if (places.some(place => existsSync(join(place, command)))) return false
  return `${command} is not installed; .ci/run installs it where it may`
}

/** Files of random bytes below `dir`, with names that clients get wrong. */
export function plantTree(dir: string, files: number): void {
  for (let at = 0; at < files; at += 1) {
    const folder = join(dir, `folder ${at % 17}`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `${at} +ä&%.bin`), randomBytes(at * 37))
  }
}

export function plantFile(path: string, bytes: number): Buffer {
  const content = randomBytes(bytes)
  writeFileSync(path, content)
  return content
}

export function read(path: string): Buffer {
  return readFileSync(path)
}
