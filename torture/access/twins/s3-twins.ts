import {
  type OperationName,
  type OperationRow,
  operations,
} from '@holdfast/server/doors/s3/operations.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import type { Place } from '../s3/s3-bodies.ts'
import { plainOf } from '../s3/s3-matrix.ts'
import { type Plain, sign } from '../s3/sign.ts'
import type { Asked } from '../wire.ts'
import { s3 } from './fill.ts'
import { isInherent } from './inherent.ts'
import { difference, type Twins } from './rest-twins.ts'
import { type Target, targetsOf } from './targets.ts'
import { told } from './told.ts'
import type { Asker, Twin } from './twin.ts'

/** Every operation of S3, asked in both stores by who has a key there, and by nobody. */
export async function runS3Twins(
  twins: Twins,
  askers: readonly string[],
  report: MatrixReport,
): Promise<void> {
  for (const who of askers) {
    const [one, two] = [twins.with.askers.get(who), twins.without.askers.get(who)]
    if (one === undefined || two === undefined) throw new Error(`no ${who}`)
    if (one.pair === undefined && who !== 'anonymous') continue
    const places = await placesOf(twins, who)
    for (const [name, row] of Object.entries<OperationRow>(operations)) {
      // Its body is a form that is signed apart.
      if (row.state === 'refused' || name === 'PostObject') continue
      for (const { target, left, right } of places) {
        const what = { name, creates: creating.has(name) }
        if (isInherent(what, { who, target })) continue
        const plain = plainOf(name as OperationName, row, left)
        const [there, gone] = await Promise.all([
          answerOf(twins.with, one, plain),
          answerOf(twins.without, two, translated(plain, left, right)),
        ])
        report.count('S3 compared')
        const differing = difference(there, gone)
        if (differing === '') report.pass()
        else report.fail(`${name} by ${who}, ${target.name}:\n${differing}`)
      }
    }
  }
}

const creating: ReadonlySet<string> = new Set([
  ...['PutObject', 'CopyObject', 'CreateMultipartUpload', 'RenameObject', 'UploadPart'],
  // In a bucket with versions a delete marker is made where nothing is.
  ...['UploadPartCopy', 'CompleteMultipartUpload', 'DeleteObject', 'DeleteObjects'],
  ...['AbortMultipartUpload', 'ListParts'],
])

interface Placed {
  readonly target: Target
  readonly left: Place
  readonly right: Place
}

/** The listings come before what is removed; what is, is gone from both. */
async function placesOf(twins: Twins, who: string): Promise<Placed[]> {
  const placed: Placed[] = []
  for (const target of targetsOf(twins.with, who)) {
    const at = { key: `s3-${who}/${placed.length}`, who, storied: true }
    const nowMs = twins.with.lab.now()
    const place = async (twin: Twin, isThere: boolean): Promise<Place> => {
      const { bucket, key } = await target.make(twin, at)
      const uploadId = isThere ? await upload(twin, bucket, key) : twin.unknown('upload')
      return { bucket, key, uploadId, etag: '', nowMs }
    }
    const left = await place(twins.with, true)
    placed.push({ target, left, right: await place(twins.without, !target.hidden) })
  }
  return placed
}

async function upload(twin: Twin, bucket: string, key: string): Promise<string> {
  const begun = await s3(twin, {
    method: 'POST',
    path: `/${bucket}/${key}`,
    query: { uploads: '' },
  })
  const id = /<UploadId>([^<]+)</.exec(begun.text)?.[1] ?? ''
  return twin.name(id, 'upload')
}

function translated(plain: Plain, left: Place, right: Place): Plain {
  if (left.uploadId === '') return plain
  return JSON.parse(JSON.stringify(plain).replaceAll(left.uploadId, right.uploadId))
}

async function answerOf(twin: Twin, { pair }: Asker, plain: Plain): Promise<string> {
  const { host } = twin.lab.s3
  const nowMs = twin.lab.now()
  const asked =
    pair === undefined ? unsigned(plain, host) : sign(plain, { pair, mode: 'header', host, nowMs })
  const answer = await twin.lab.s3.ask(asked)
  return told(answer, twin, plain.method === 'HEAD')
}

function unsigned({ method, path, query, headers, body }: Plain, host: string): Asked {
  const search = new URLSearchParams(query).toString()
  return {
    method,
    path: search === '' ? path : `${path}?${search}`,
    headers: { host, ...headers },
    body: body === undefined ? undefined : Buffer.from(body),
  }
}
