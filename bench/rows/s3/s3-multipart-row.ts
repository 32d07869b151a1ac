import { createHash, randomBytes } from 'node:crypto'
import { cpuMsOf } from '@holdfast/load/process-tree.ts'
import { type FigureResult, medianOf } from '../../report/row-result.ts'
import { askS3, startHoldfastS3 } from '../../servers/holdfast.ts'
import type { Server } from '../../servers/server.ts'
import { type BenchContext, settleDisk, startIn } from '../bench-context.ts'
import { sizeName } from '../mode.ts'

export function s3MultipartName({ mode }: Pick<BenchContext, 'mode'>): string {
  const { parts, partBytes, atOnce } = mode.s3Multipart
  return `S3 multipart: ${parts} parts of ${sizeName(partBytes)}, ${atOnce} at once`
}

interface Upload {
  readonly partsMs: number
  readonly completeMs: number
  readonly cpuMs: number
}

/** One upload after the other, each of new bytes; the last one is read back and compared. */
export async function measureS3Multipart(context: BenchContext): Promise<FigureResult> {
  const { mode } = context
  const { parts, partBytes } = mode.s3Multipart
  await using started = await startIn(context, startHoldfastS3, true)
  const { server } = started
  const uploads: Upload[] = []
  const bytes = randomBytes(partBytes)
  for (let run = -1; run < mode.pairs; run += 1) {
    const upload = await uploadOnce(context, server, { bytes, run: run + 1 })
    settleDisk(context)
    if (run >= 0) uploads.push(upload)
  }
  const same = await readBack(server, { bytes, run: mode.pairs, parts })
  const total = parts * partBytes
  const perSecond = medianOf(uploads.map(({ partsMs }) => total / 1e6 / (partsMs / 1000)))
  const completeMs = medianOf(uploads.map(upload => upload.completeMs))
  const cpuPerGB = medianOf(uploads.map(({ cpuMs }) => cpuMs / 1000 / (total / 1e9)))
  return {
    name: s3MultipartName(context),
    durability: server.durability,
    figures: {
      'parts received': `${Math.round(perSecond)} MB/s`,
      'completion of the upload, median': `${Math.round(completeMs)} ms`,
      'CPU of the server': `${cpuPerGB.toFixed(2)} s/GB`,
    },
    errors: same ? {} : { 'the object read back differs': 1 },
  }
}

interface Content {
  /** Of every part, but for a stamp at its start. */
  readonly bytes: Buffer
  readonly run: number
}

async function uploadOnce(
  { mode }: BenchContext,
  server: Server,
  content: Content,
): Promise<Upload> {
  const { parts, atOnce } = mode.s3Multipart
  const path = `${server.place('multipart').pathPrefix}${content.run}`
  const cpuBefore = cpuMsOf(server.pids())
  const started = await (await askS3(server, { method: 'POST', target: `${path}?uploads=` })).text()
  const id = /<UploadId>(.*?)<\/UploadId>/.exec(started)?.[1] ?? ''
  const etags: string[] = []
  const startedAt = performance.now()
  let next = 1
  const work = async () => {
    while (next <= parts) {
      const number = next++
      const target = `${path}?partNumber=${number}&uploadId=${id}`
      const answer = await askS3(server, { method: 'PUT', target, body: partOf(content, number) })
      etags[number - 1] = answer.headers.get('etag') ?? ''
      await answer.arrayBuffer()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  const partsMs = performance.now() - startedAt
  const list = etags.map((etag, at) => {
    return `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`
  })
  const document = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`
  const completedAt = performance.now()
  const done = await askS3(server, {
    method: 'POST',
    target: `${path}?uploadId=${id}`,
    body: Buffer.from(document),
  })
  const text = await done.text()
  if (!text.includes('<ETag>')) throw new Error(`not completed: ${text.slice(0, 300)}`)
  const completeMs = performance.now() - completedAt
  return { partsMs, completeMs, cpuMs: cpuMsOf(server.pids()) - cpuBefore }
}

/** Every part of every run differs, or equal parts would be kept once. */
function partOf({ bytes, run }: Content, number: number): Buffer<ArrayBuffer> {
  const part = Buffer.from(bytes)
  part.writeUInt32BE(run, 0)
  part.writeUInt32BE(number, 4)
  return part
}

async function readBack(
  server: Server,
  { bytes, run, parts }: Content & { readonly parts: number },
): Promise<boolean> {
  const expected = createHash('sha256')
  for (let number = 1; number <= parts; number += 1) {
    expected.update(partOf({ bytes, run }, number))
  }
  const path = `${server.place('multipart').pathPrefix}${run}`
  const found = createHash('sha256')
  const { body } = await askS3(server, { method: 'GET', target: path })
  if (body !== null) for await (const chunk of body) found.update(chunk)
  return found.digest('hex') === expected.digest('hex')
}
