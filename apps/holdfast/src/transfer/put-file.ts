import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type Client, isClientError, type PutOptions } from '@holdfast/client'
import { guessContentType } from './guess-content-type.ts'
import { hashFile } from './hash-file.ts'
import type { Progress } from './progress.ts'

export interface LocalFile {
  readonly path: string
  readonly key: string
  readonly size: number
}

/** What is known of the object that has the key now. */
export interface Present {
  readonly size: number
  readonly checksum: string
}

export interface PutTask {
  readonly client: Client
  readonly bucket: string
  readonly signal: AbortSignal
  readonly progress: Progress
  /** Skips files whose content has the key already. */
  readonly sync: boolean
  readonly present: (key: string) => Promise<Present | undefined>
  readonly contentType: string | undefined
  readonly tags: readonly string[]
}

/** Small files are sent from memory: then the SHA-256 goes ahead of the bytes. */
const IN_MEMORY_BYTES = 1024 * 1024

export async function putFile(task: PutTask, file: LocalFile): Promise<'sent' | 'skipped'> {
  const { size } = file
  let sha256: string | undefined
  if (task.sync) {
    const present = await task.present(file.key)
    if (present !== undefined && present.size === size) {
      sha256 = await hashFile(file.path, task.signal)
      if (sha256 === present.checksum) {
        task.progress.add(size)
        return 'skipped'
      }
    }
  }
  const guessed = task.contentType ?? guessContentType(file.key)
  try {
    await send(task, file, { contentType: guessed, sha256 })
  } catch (error) {
    // A name may promise a type that the bytes do not keep: then the bytes decide.
    const isWrongGuess = isClientError(error) && error.code === 'CONTENT_TYPE_MISMATCH'
    if (!isWrongGuess || task.contentType !== undefined || guessed === undefined) throw error
    await send(task, file, { sha256 })
  }
  return 'sent'
}

async function send(
  task: PutTask,
  file: LocalFile,
  known: { contentType?: string | undefined; sha256: string | undefined },
): Promise<void> {
  const { client, bucket, signal, progress } = task
  let shown = 0
  const show = (bytes: number) => {
    progress.add(bytes - shown)
    shown = bytes
  }
  const isSmall = file.size <= IN_MEMORY_BYTES
  const bytes = isSmall ? await readFile(file.path, { signal }) : undefined
  const open = () => createReadStream(file.path, { highWaterMark: 256 * 1024 })
  const options: PutOptions = {
    signal,
    ...known,
    onProgress: show,
    fields: task.tags.length === 0 ? {} : { tags: [...task.tags] },
    ...(isSmall ? {} : { size: file.size }),
  }
  try {
    await client.assets.put({ bucket, key: file.key }, bytes ?? open, options)
    show(file.size)
  } catch (error) {
    show(0)
    throw error
  }
}
