import { createHash } from 'node:crypto'
import {
  type OperationName,
  type OperationRow,
  operations,
} from '@holdfast/server/doors/s3/operations.ts'
import { type Lab, s3Key } from '../open-lab.ts'
import { canary } from '../people.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import type { Place } from '../s3/s3-bodies.ts'
import { plainOf } from '../s3/s3-matrix.ts'
import { s3Rules } from '../s3/s3-rules.ts'
import { type Mode, type Pair, type Plain, sign, signedForm } from '../s3/sign.ts'
import type { Answer, Asked, Wire } from '../wire.ts'
import { learn, type Waiter } from './wait-cases.ts'
import type { Waits } from './waits.ts'

const ours = 's3-waits'
/** Browsers ask it without a credential. */
const everybodys: ReadonlySet<string> = new Set<OperationName>(['Preflight'])
/** Their documents are short. */
const short: ReadonlySet<string> = new Set<OperationName>([
  ...(['PutBucketPolicy', 'PutBucketRequestPayment', 'PutBucketVersioning'] as const),
])
/** More than the bytes of a document that is read at once. */
const LONG = 80_000
const MANY = 60
const TRASHED = 201

type Change = (plain: Plain) => Plain

interface Question {
  readonly name: OperationName
  readonly row: OperationRow
  readonly how: string
  readonly mode: Mode
  readonly change: Change
}

export interface LearnedS3 {
  readonly question: Question
  readonly waits: readonly string[]
  readonly place: Place
}

interface Asking {
  readonly lab: Lab
  readonly wire: Wire
  readonly waits: Waits
  readonly report: MatrixReport
}

/** Every operation of S3 with a valid request, made from the table. */
export class WaitS3 {
  readonly #asking: Asking
  readonly questions: readonly Question[] = Object.entries<OperationRow>(operations).flatMap(
    ([name, row]) => questionsOf(name as OperationName, row),
  )
  #made = 0

  private constructor(asking: Asking) {
    this.#asking = asking
  }

  static async open(asking: Asking): Promise<WaitS3> {
    const s3 = new WaitS3(asking)
    const lock = { 'x-amz-bucket-object-lock-enabled': 'true' }
    await s3.#must({ method: 'PUT', path: `/${ours}`, headers: lock })
    return s3
  }

  async learn(question: Question, pair: Pair): Promise<LearnedS3> {
    const { wire, waits, report } = this.#asking
    const asked = this.#asked(question, await this.#place(question), pair)
    const about = { what: whatOf(question), wire, asked }
    const came = await learn(waits, about, { report, problem: letInProblem })
    return { question, waits: came, place: await this.#place(question) }
  }

  waiter({ question, waits, place }: LearnedS3, pair: Pair, isReader: boolean): Waiter | undefined {
    const rules: Readonly<Record<string, { readonly reader: string }>> = s3Rules
    if (isReader && rules[question.name]?.reader !== '-') return undefined
    return {
      ...{ what: whatOf(question), wire: this.#asking.wire, waits: waits.length },
      isOfSeveral: question.name === 'DeleteObjects',
      asked: this.#asked(question, place, pair),
      problem: answer => {
        // Who may not read an object does not hear that it is there.
        return isReader && answer.status === 404 ? undefined : refusalProblem(question.name, answer)
      },
    }
  }

  #asked({ name, row, mode, change }: Question, place: Place, pair: Pair): Asked {
    const { lab } = this.#asking
    const signing = { pair, host: lab.s3.host, nowMs: lab.now() }
    if (name !== 'PostObject') return sign(change(plainOf(name, row, place)), { ...signing, mode })
    const { bucket, key } = place
    return signedForm({ bucket, key: `${key}-form`, content: 'taken' }, signing)
  }

  /** An object full of secrets, and an upload that is open at its key. */
  async #place({ name }: Question): Promise<Place> {
    this.#made += 1
    const nowMs = this.#asking.lab.now()
    if (name === 'DeleteBucket') {
      const bucket = `s3-waits-${this.#made}`
      await this.#must({ method: 'PUT', path: `/${bucket}` })
      await this.#fillTrash(bucket)
      return { bucket, key: 'none', uploadId: '', etag: '', nowMs }
    }
    const key = `object-${this.#made}`
    const path = `/${ours}/${key}`
    const headers = { 'x-amz-meta-secret': canary }
    const { headers: put } = await this.#must({ method: 'PUT', path, headers, body: canary })
    const begun = await this.#must({ method: 'POST', path, query: { uploads: '' } })
    const uploadId = /<UploadId>([^<]+)</.exec(begun.text)?.[1] ?? ''
    const query = { uploadId, partNumber: '1' }
    await this.#must({ method: 'PUT', path, query, body: canary })
    return { bucket: ours, key, uploadId, etag: put.etag ?? '', nowMs }
  }

  /** More than goes at once. */
  async #fillTrash(bucket: string): Promise<void> {
    const keys = Array.from({ length: TRASHED }, (_, at) => `trashed-${at}`)
    const path = (key: string) => `/${bucket}/${key}`
    await Promise.all(keys.map(key => this.#must({ method: 'PUT', path: path(key), body: key })))
    const each = async (key: string) => await this.#must({ method: 'DELETE', path: path(key) })
    await Promise.all(keys.map(each))
  }

  async #must(plain: Plain): Promise<Answer> {
    const { lab } = this.#asking
    const signing = { pair: s3Key, mode: 'header', host: lab.s3.host, nowMs: lab.now() } as const
    const answer = await lab.s3.ask(sign(plain, signing))
    if (answer.status < 300) return answer
    throw new Error(`${plain.method} ${plain.path}: ${answer.status} ${answer.text}`)
  }
}

function questionsOf(name: OperationName, row: OperationRow): Question[] {
  if (row.state === 'refused' || everybodys.has(name)) return []
  const about = { name, row, mode: 'header' } as const
  const questions: Question[] = [{ ...about, how: '', change: plain => plain }]
  if (name === 'PutObject' || name === 'UploadPart') {
    questions.push({ ...about, how: ' (chunks)', mode: 'chunks', change: plain => plain })
  }
  const longest = { ListParts: 'max-parts', ListMultipartUploads: 'max-uploads' } as const
  const most = row.reads?.includes('max-keys') === true ? 'max-keys' : longest[name as 'ListParts']
  if (most !== undefined) {
    const change: Change = plain => ({ ...plain, query: { ...plain.query, [most]: '1000' } })
    questions.push({ ...about, how: ' (1000)', change })
  }
  const isDocument = row.method === 'PUT' && name.startsWith('PutBucket') && !short.has(name)
  if (isDocument) questions.push({ ...about, how: ' (long)', change: padded })
  if (name === 'DeleteObjects') questions.push({ ...about, how: ' (many)', change: many })
  return questions
}

/** By spaces, which XML and JSON may have between what counts. */
function padded(plain: Plain): Plain {
  const { body } = plain
  if (typeof body !== 'string') return plain
  const spaces = ' '.repeat(LONG)
  return { ...plain, body: body.replace(/(?<=>)(?=<)/, spaces).replace(/(?<=^\{)/, spaces) }
}

/** Others before the one that counts. */
function many(plain: Plain): Plain {
  const none = Array.from({ length: MANY }, (_, at) => `<Object><Key>none-${at}</Key></Object>`)
  const body = String(plain.body).replace('<Object>', `${none.join('')}<Object>`)
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  return { ...plain, headers, body }
}

function whatOf({ name, how }: Question): string {
  return `s3.${name}${how}`
}

/** Of documents that were never put there is nothing to show. */
function letInProblem({ status, text }: Answer): string | undefined {
  if (status < 300) return /<Error>/.test(text) ? 'an error inside, but may' : undefined
  const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? ''
  return status === 404 && !/^NoSuch(Bucket|Key|Upload)$/.test(code) ? undefined : 'but may'
}

function refusalProblem(name: OperationName, { status, text }: Answer): string | undefined {
  if (status === 403) return undefined
  if (name !== 'DeleteObjects' || status !== 200) return 'must be refused'
  // Those before were done while it might.
  return /<Error><Key>object-\d+<\/Key>/.test(text) ? undefined : 'deleted'
}
