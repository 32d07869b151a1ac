import {
  type OperationName,
  type OperationRow,
  operations,
} from '@holdfast/server/doors/s3/operations.ts'
import { type Lab, s3Key } from '../open-lab.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import type { Place } from '../s3/s3-bodies.ts'
import { plainOf } from '../s3/s3-matrix.ts'
import { s3Rules } from '../s3/s3-rules.ts'
import { type Mode, type Pair, type Plain, sign, signedForm } from '../s3/sign.ts'
import type { Answer, Asked } from '../wire.ts'
import type { Late } from './half-sent.ts'

export const s3Bucket = 's3-late'

/** All that they ask for stands in the head. */
const bodiless: ReadonlySet<string> = new Set<OperationName>([
  'CopyObject',
  'CreateMultipartUpload',
  'RenameObject',
  'UploadPartCopy',
])

interface Ready extends Place {
  /** The access list of the object and of the bucket, as they are. */
  readonly acl: string
  readonly bucketAcl: string
}

/** Where the matrix asks with headers what may come in a body as well. */
const further: { readonly [Name in OperationName]?: (place: Ready) => Partial<Plain> } = {
  CreateBucket: () => ({
    body:
      '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
      '<LocationConstraint>us-east-1</LocationConstraint></CreateBucketConfiguration>',
  }),
  PutBucketAcl: ({ bucketAcl }) => ({ headers: {}, body: bucketAcl }),
  PutObjectAcl: ({ acl }) => ({ headers: {}, body: acl }),
}

export interface Signer {
  readonly name: string
  readonly pair: Pair
  readonly mode?: Mode
}

/** Every operation that reads a body, made from the table: one without a body is a failure. */
export class LateS3 {
  readonly #lab: Lab
  readonly #names: OperationName[] = []
  #kept: Ready | undefined
  #made = 0

  private constructor(lab: Lab) {
    this.#lab = lab
  }

  static async open(lab: Lab, report: MatrixReport): Promise<LateS3> {
    const late = new LateS3(lab)
    const lock = { 'x-amz-bucket-object-lock-enabled': 'true' }
    await late.must({ method: 'PUT', path: `/${s3Bucket}`, headers: lock })
    for (const [name, { method, state }] of Object.entries<OperationRow>(operations)) {
      if ((method !== 'PUT' && method !== 'POST') || state === 'refused') continue
      report.count('late operations')
      if (!bodiless.has(name)) late.#names.push(name as OperationName)
    }
    const place = await late.#keptPlace()
    for (const name of late.#names) {
      if (name === 'PostObject' || late.#plain(name, place).body !== undefined) continue
      report.fail(`${name} has no body to come late`)
    }
    return late
  }

  /** `objects`: only what assets, versions and metadata are enough for. */
  async requests(
    signer: Signer,
    { letIn = false, objects = false }: { letIn?: boolean; objects?: boolean } = {},
  ): Promise<Late[]> {
    const late: Late[] = []
    for (const name of this.#names) {
      const rules: Readonly<Record<string, { readonly writer: string }>> = s3Rules
      if (objects && rules[name]?.writer !== '+') continue
      const place = letIn ? await this.#place() : await this.#keptPlace()
      late.push({
        what: `${name} by ${signer.name}`,
        action: `s3.${name}`,
        wire: this.#lab.s3,
        asked: this.#asked(name, place, signer),
        problem: answer => (letIn ? letInProblem(answer) : refusalProblem(name, answer)),
      })
    }
    return late
  }

  #plain(name: OperationName, place: Ready): Plain {
    const plain = plainOf(name, operations[name], place)
    return { ...plain, ...further[name]?.(place) }
  }

  #asked(name: OperationName, place: Ready, { pair, mode = 'header' }: Signer): Asked {
    const signing = { pair, host: this.#lab.s3.host, nowMs: this.#lab.now() }
    if (name !== 'PostObject') return sign(this.#plain(name, place), { ...signing, mode })
    const content = 'taken'.repeat(2000)
    return signedForm({ bucket: place.bucket, key: `${place.key}-form`, content }, signing)
  }

  async #keptPlace(): Promise<Ready> {
    this.#kept ??= await this.#place()
    return this.#kept
  }

  async #place(): Promise<Ready> {
    this.#made += 1
    const key = `late-${this.#made}`
    const path = `/${s3Bucket}/${key}`
    const { headers } = await this.must({ method: 'PUT', path, body: key })
    const begun = await this.must({ method: 'POST', path, query: { uploads: '' } })
    const uploadId = /<UploadId>([^<]+)</.exec(begun.text)?.[1] ?? ''
    const query = { uploadId, partNumber: '1' }
    await this.must({ method: 'PUT', path, query, body: key })
    const listed = async (of: string) =>
      (await this.must({ method: 'GET', path: of, query: { acl: '' } })).text
    return {
      ...{ bucket: s3Bucket, key, uploadId, etag: headers.etag ?? '', nowMs: this.#lab.now() },
      acl: await listed(path),
      bucketAcl: await listed(`/${s3Bucket}`),
    }
  }

  /** As administrator, and it must succeed. */
  async must(plain: Plain): Promise<Answer> {
    const { host } = this.#lab.s3
    const signing = { pair: s3Key, mode: 'header', host, nowMs: this.#lab.now() } as const
    const answer = await this.#lab.s3.ask(sign(plain, signing))
    if (answer.status < 300) return answer
    throw new Error(`${plain.method} ${plain.path}: ${answer.status} ${answer.text}`)
  }
}

function letInProblem({ status, text }: Answer): string | undefined {
  return status < 300 && !text.includes('<Error>') ? undefined : 'but may'
}

/** Who may not know of an object hears that it is not there. */
function refusalProblem(name: OperationName, { status, text }: Answer): string | undefined {
  if (status === 403 || status === 404) return undefined
  if (name !== 'DeleteObjects' || status !== 200) return 'must be refused'
  const isRefused = /<Error>.*AccessDenied/s.test(text) && !text.includes('<Deleted>')
  return isRefused ? undefined : 'deleted'
}
