import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { type Lab, s3Key } from '../open-lab.ts'
import { type Mode, sign, signedForm } from '../s3/sign.ts'
import { type Recorded, type Recorder, send } from './record.ts'

const bucket = 'sigv4-fuzz'
const execute = promisify(execFile)

/** The SDK and our own signer do real work through the recorder. */
export async function doWork(recorder: Recorder, lab: Lab): Promise<void> {
  recorder.client = 'SDK of AWS'
  await workOfSdk(recorder)
  recorder.client = 'our own signer'
  await ownWork(recorder, lab)
}

/** So do programs of others; those that are not there are told. */
export async function runPrograms(
  recorder: Recorder,
  { scratch, skip }: { readonly scratch: string; skip(part: string, reason: string): void },
): Promise<void> {
  const home = join(scratch, 'clients')
  mkdirSync(home)
  writeFileSync(join(home, 'file.bin'), Buffer.alloc(5000, 'x'))
  for (const [client, commands] of Object.entries(programs(recorder.url))) {
    recorder.client = client
    if (!isThere(client)) {
      skip(client, 'not installed')
      continue
    }
    for (const args of commands) {
      await execute(client, args, { cwd: home, env: environment(home), timeout: 60_000 })
    }
  }
}

async function workOfSdk(recorder: Recorder): Promise<void> {
  const credentials = { accessKeyId: s3Key.id, secretAccessKey: s3Key.secret }
  const about = { endpoint: recorder.url, region: 'us-east-1', forcePathStyle: true }
  const client = new S3Client({ ...about, credentials, maxAttempts: 1 })
  const here = { Bucket: bucket, Key: 'folder/a b+c.txt' }
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  await client.send(new PutObjectCommand({ ...here, Body: 'content', Metadata: { a: 'b' } }))
  const stored = await client.send(new GetObjectCommand({ ...here, Range: 'bytes=0-3' }))
  await stored.Body?.transformToByteArray()
  await client.send(new HeadObjectCommand(here))
  await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'folder/', MaxKeys: 5 }))
  const copy = { Bucket: bucket, Key: 'copy', CopySource: `${bucket}/folder/a%20b%2Bc.txt` }
  await client.send(new CopyObjectCommand(copy))
  const tagging = { TagSet: [{ Key: 'a', Value: 'b' }] }
  await client.send(new PutObjectTaggingCommand({ ...here, Tagging: tagging }))
  for (const command of [new GetObjectCommand(here), new PutObjectCommand(here)]) {
    // Two classes whose types the signer does not take as one.
    const url = await getSignedUrl(client, command as GetObjectCommand, { expiresIn: 600 })
    const put = command instanceof PutObjectCommand
    await fetch(url, put ? { method: 'PUT', body: 'by link' } : {})
  }
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'copy' }))
  client.destroy()
}

async function ownWork(recorder: Recorder, lab: Lab): Promise<void> {
  const { host } = new URL(recorder.url)
  const signing = { pair: s3Key, host, nowMs: lab.now() }
  const forms: Mode[] = ['header', 'query', 'chunks', 'trailer', 'unsigned']
  const asked = forms.map(mode =>
    sign({ method: 'PUT', path: `/${bucket}/own-${mode}`, body: 'content' }, { ...signing, mode }),
  )
  asked.push(signedForm({ bucket, key: 'own-form', content: 'content' }, signing))
  for (const { method, path, headers = {}, body } of asked) {
    const named = Object.entries(headers).map(([name, value]) => [name, String(value)] as const)
    await send(recorder.url, { method, path, headers: named, body: Buffer.from(body ?? '') })
  }
}

function programs(url: string): Readonly<Record<string, readonly string[][]>> {
  const place = `s3://${bucket}/programs/file.bin`
  const remote = `:s3,provider=Other,env_auth=true,endpoint="${url}",region=us-east-1:${bucket}`
  const s3cmd = [`--host=${new URL(url).host}`, '--host-bucket=', '--no-ssl', '--region=us-east-1']
  const keys = [`--access_key=${s3Key.id}`, `--secret_key=${s3Key.secret}`, '--config=/dev/null']
  return {
    aws: [
      ['--endpoint-url', url, 's3', 'cp', 'file.bin', place],
      ['--endpoint-url', url, 's3', 'ls', `s3://${bucket}/programs/`],
    ],
    rclone: [
      ['copyto', 'file.bin', `${remote}/programs/rclone.bin`],
      ['cat', `${remote}/programs/rclone.bin`],
    ],
    s3cmd: [[...s3cmd, ...keys, 'put', 'file.bin', `s3://${bucket}/programs/s3cmd.bin`]],
  }
}

/** Nothing of this machine: neither its keys nor its settings. */
function environment(home: string): NodeJS.ProcessEnv {
  const { PATH = '' } = process.env
  return {
    ...{ PATH, HOME: home, LANG: 'C.UTF-8' },
    AWS_ACCESS_KEY_ID: s3Key.id,
    AWS_SECRET_ACCESS_KEY: s3Key.secret,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

function isThere(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Those that can be sent again and mean the same: no bucket is made twice. */
export function repeatable(recorded: readonly Recorded[]): Recorded[] {
  return recorded.filter(({ status, method, path }) => {
    return status < 300 && !(method === 'PUT' && /^\/[^/]+\/?$/.test(path.split('?')[0] ?? ''))
  })
}
