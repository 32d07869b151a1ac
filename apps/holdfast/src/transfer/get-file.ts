import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Client, isClientError } from '@holdfast/client'
import { hashFile, hashInto } from './hash-file.ts'
import type { Progress } from './progress.ts'
import { shortHash } from './safe-name.ts'

export interface RemoteFile {
  readonly id: string
  readonly key: string
  readonly size: number
  readonly checksum: string
  readonly etag: string
}

export interface GetTask {
  readonly client: Client
  readonly signal: AbortSignal
  readonly progress: Progress
  /** Skips what lies there already with the same content. */
  readonly sync: boolean
}

/**
 * Writes beside the target and renames when every byte is proven, so that nobody ever sees a part.
 * An interrupted file stays under its temp name and is taken up by the next run.
 */
export async function getFile(
  task: GetTask,
  file: RemoteFile,
  path: string,
): Promise<'got' | 'skipped'> {
  if (task.sync && (await isSame(task, file, path))) {
    task.progress.add(file.size)
    return 'skipped'
  }
  const temp = join(
    dirname(path),
    `.${shortHash(file.key)}-${file.checksum.slice(0, 24)}.holdfast-part`,
  )
  if (!(await fill(task, file, temp)) && !(await fill(task, file, temp))) {
    throw new Error('the bytes received are damaged; nothing was written')
  }
  await rename(temp, path)
  return 'got'
}

async function isSame(task: GetTask, file: RemoteFile, path: string): Promise<boolean> {
  try {
    const facts = await lstat(path)
    if (!facts.isFile() || facts.size !== file.size) return false
    return (await hashFile(path, task.signal)) === file.checksum
  } catch {
    return false
  }
}

/** Brings the temp file to its full length. False when the bytes are wrong: then it is gone. */
async function fill(task: GetTask, file: RemoteFile, temp: string): Promise<boolean> {
  const begun = await beginning(task, file, temp)
  const handle = await openTemp(temp, begun.size)
  try {
    await receive(task, file, { handle, ...begun })
  } catch (error) {
    if (isClientError(error) && error.code === 'CONTENT_DAMAGED') await rm(temp, { force: true })
    throw error
  } finally {
    await handle.close()
  }
  if (begun.hash.digest('hex') === file.checksum) return true
  task.progress.add(-file.size)
  await rm(temp, { force: true })
  return false
}

interface Beginning {
  readonly size: number
  readonly hash: Hash
}

/** What an earlier run left. Its bytes are hashed with the rest, so they need no trust. */
async function beginning(task: GetTask, file: RemoteFile, temp: string): Promise<Beginning> {
  const nothing = { size: 0, hash: createHash('sha256') }
  try {
    const facts = await lstat(temp)
    if (!facts.isFile() || facts.size > file.size || facts.size === 0) return nothing
    return { size: facts.size, hash: await hashInto(createHash('sha256'), temp, task.signal) }
  } catch {
    return nothing
  }
}

async function openTemp(temp: string, size: number): Promise<FileHandle> {
  if (size > 0) return await open(temp, constants.O_WRONLY | constants.O_NOFOLLOW)
  await rm(temp, { force: true })
  return await open(temp, 'wx')
}

async function receive(
  { client, signal, progress }: GetTask,
  file: RemoteFile,
  into: Beginning & { readonly handle: FileHandle },
): Promise<void> {
  let at = into.size
  progress.add(at)
  if (at === file.size && at > 0) return
  const range = at > 0 ? { range: { first: at } } : {}
  try {
    const download = await client.assets.get(file.id, { signal, ifMatch: file.etag, ...range })
    for await (const chunk of download) {
      into.hash.update(chunk)
      await writeAt(into.handle, chunk, at)
      at += chunk.length
      progress.add(chunk.length)
    }
  } catch (error) {
    progress.add(-at)
    throw error
  }
}

async function writeAt(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, position + done)
    done += bytesWritten
  }
}
