import { createAccessKey, revokeAccessKey } from '@holdfast/engine/access/keys/access-keys.ts'
import { systemCall } from '@holdfast/engine/engine.ts'
import {
  type OperationName,
  type OperationRow,
  operations,
} from '@holdfast/server/doors/s3/operations.ts'
import { type Lab, s3Key } from '../open-lab.ts'
import { canary } from '../people.ts'
import { RefusalsAudited } from '../refusals-audited.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import type { Answer, Asked } from '../wire.ts'
import { bodies, type Place } from './s3-bodies.ts'
import { type PairName, pairs, type Rule, s3Rules } from './s3-rules.ts'
import { type Mode, modes, type Pair, type Plain, sign, signedForm } from './sign.ts'

const ours = 's3-matrix'
const theirs = 's3-elsewhere'

/** Every operation of S3, by everybody, with every way to prove who it is. */
export async function runS3Matrix(lab: Lab, report: MatrixReport): Promise<void> {
  const asking = await Asking.open(lab, report)
  for (const [name, row] of Object.entries<OperationRow>(operations)) {
    const rule = ruleOf(name, row)
    if (rule === undefined) {
      report.fail(`${name} has no rule`)
      continue
    }
    await asking.askAll(name as OperationName, row, rule)
    report.count('S3 operations')
  }
  await asking.refusals.check(lab, report)
}

/** Operations that nothing stands behind are told to anybody who is known, and to nobody else. */
function ruleOf(name: string, { state }: OperationRow): Rule | undefined {
  const rules: Readonly<Record<string, Rule>> = s3Rules
  if (state === 'refused') return Object.hasOwn(rules, name) ? undefined : refusedRule
  return Object.hasOwn(rules, name) ? rules[name] : undefined
}
const refusedRule: Rule = { admin: '+', reader: '+', writer: '+', stranger: '+', anonymous: '+' }

class Asking {
  readonly #lab: Lab
  readonly #report: MatrixReport
  readonly #living: Readonly<Record<Exclude<PairName, 'anonymous'>, Pair>>
  readonly #dead: Readonly<Record<string, Pair>>
  readonly refusals = new RefusalsAudited()
  #kept: Place | undefined
  #made = 0

  private constructor(lab: Lab, report: MatrixReport, known: Known) {
    this.#lab = lab
    this.#report = report
    this.#living = known.living
    this.#dead = known.dead
  }

  static async open(lab: Lab, report: MatrixReport): Promise<Asking> {
    const asking = new Asking(lab, report, await makePairs(lab))
    const lock = { 'x-amz-bucket-object-lock-enabled': 'true' }
    await asking.must({ method: 'PUT', path: `/${ours}`, headers: lock })
    await asking.must({ method: 'PUT', path: `/${theirs}` })
    return asking
  }

  async askAll(name: OperationName, row: OperationRow, rule: Rule): Promise<void> {
    const isOpen = name === 'Preflight'
    for (const who of pairs) {
      const ways = who === 'anonymous' || isOpen ? (['none'] as const) : waysOf(name, row)
      for (const way of ways) {
        const fresh = rule[who] === '+' && row.method !== 'GET' && row.method !== 'HEAD'
        const place = fresh ? await this.#place(name) : await this.#keptPlace()
        const pair = who === 'anonymous' ? undefined : this.#living[who]
        await this.#ask({ name, row, may: rule[who] === '+', who, way, place, pair })
      }
    }
    if (isOpen) return
    for (const [who, pair] of Object.entries(this.#dead)) {
      for (const way of waysOf(name, row)) {
        const place = await this.#keptPlace()
        await this.#ask({ name, row, may: false, who, way, place, pair, dead: true })
      }
    }
  }

  async #ask(asked: S3Question): Promise<void> {
    const { name, row, may, who, way } = asked
    const request = this.#requestOf(asked)
    const before = await this.#lab.changes()
    const answer = await this.#lab.s3.ask(request)
    const what = `${name} by ${who}, ${way}`
    const isThere = !may && who === 'stranger'
    this.refusals.note(answer, { what, action: `s3.${name}`, isThere })
    const told = `${what}: ${answer.status} ${answer.text.slice(0, 300)}`
    const problem = may
      ? letInProblem(row, answer)
      : refusalProblem(asked, answer, (await this.#lab.changes()) !== before)
    if (problem !== undefined) {
      this.#report.fail(`${told}: ${problem}`)
      return
    }
    this.#report.count(may ? 'S3 let in' : 'S3 refused')
    this.#report.pass()
  }

  #requestOf({ name, row, way, pair, place }: S3Question): Asked {
    const { host } = this.#lab.s3
    const nowMs = this.#lab.now()
    if (name === 'PostObject') {
      const form = signedForm(
        { bucket: place.bucket, key: `${place.key}-form`, content: 'taken' },
        { pair: pair ?? s3Key, host, nowMs },
      )
      return pair === undefined ? withoutSignature(form) : form
    }
    const plain = plainOf(name, row, { ...place, nowMs })
    if (pair === undefined || way === 'none' || way === 'form') {
      const query = new URLSearchParams(plain.query).toString()
      const path = query === '' ? plain.path : `${plain.path}?${query}`
      const body = plain.body === undefined ? undefined : Buffer.from(plain.body)
      return { method: plain.method, path, headers: { host, ...plain.headers }, body }
    }
    return sign(plain, { pair, mode: way, host, nowMs })
  }

  async #keptPlace(): Promise<Place> {
    this.#kept ??= await this.#place(undefined)
    return this.#kept
  }

  /** An object full of secrets, and an upload that is open at its key. */
  async #place(name: OperationName | undefined): Promise<Place> {
    this.#made += 1
    const nowMs = this.#lab.now()
    if (name === 'DeleteBucket') {
      const bucket = `s3-gone-${this.#made}`
      await this.must({ method: 'PUT', path: `/${bucket}` })
      return { bucket, key: 'none', uploadId: '', etag: '', nowMs }
    }
    const key = `object-${this.#made}`
    const path = `/${ours}/${key}`
    const headers = { 'x-amz-meta-secret': canary }
    const { headers: put } = await this.must({ method: 'PUT', path, headers, body: canary })
    const begun = await this.must({ method: 'POST', path, query: { uploads: '' } })
    const uploadId = /<UploadId>([^<]+)</.exec(begun.text)?.[1] ?? ''
    const query = { uploadId, partNumber: '1' }
    await this.must({ method: 'PUT', path, query, body: canary })
    return { bucket: ours, key, uploadId, etag: put.etag ?? '', nowMs }
  }

  async must(plain: Plain): Promise<Answer> {
    const { host } = this.#lab.s3
    const signing = { pair: s3Key, mode: 'header', host, nowMs: this.#lab.now() } as const
    const answer = await this.#lab.s3.ask(sign(plain, signing))
    if (answer.status < 300) return answer
    throw new Error(`${plain.method} ${plain.path}: ${answer.status} ${answer.text}`)
  }
}

type Way = Mode | 'none' | 'form'

interface S3Question {
  readonly name: OperationName
  readonly row: OperationRow
  readonly may: boolean
  readonly who: string
  readonly way: Way
  readonly place: Place
  readonly pair: Pair | undefined
  readonly dead?: boolean
}

interface Known {
  readonly living: Readonly<Record<Exclude<PairName, 'anonymous'>, Pair>>
  readonly dead: Readonly<Record<string, Pair>>
}

async function makePairs(lab: Lab): Promise<Known> {
  const { engine } = lab.context
  const make = async (permissions: string[], more: { buckets?: string[]; expiresAt?: string }) => {
    const input = { name: 'matrix', permissions, ...more }
    const { key, secret } = await createAccessKey(engine, systemCall('matrix'), input)
    return { id: key.id, secret }
  }
  const reading = ['assets:read', 'versions:read', 'metadata:read', 'buckets:read']
  const revoked = await make(['*'], {})
  await revokeAccessKey(engine, systemCall('matrix'), revoked.id)
  const expired = await make(['*'], { expiresAt: new Date(lab.now() + 2000).toISOString() })
  lab.jump(3000)
  const other = await make(['*'], {})
  return {
    living: {
      admin: s3Key,
      reader: await make(reading, {}),
      writer: await make(['assets:*', 'versions:*', 'metadata:*'], {}),
      stranger: await make(['*'], { buckets: [theirs] }),
    },
    dead: {
      'a revoked key': revoked,
      'an expired key': expired,
      'an unknown key': { id: 'LABNOBODY00000000001', secret: s3Key.secret },
      'a wrong secret': { id: s3Key.id, secret: `${s3Key.secret}x` },
      "another key's secret": { id: s3Key.id, secret: other.secret },
    },
  }
}

/** Bodies are framed in every way there is; requests without one are signed in two. */
function waysOf(name: OperationName, { method }: OperationRow): readonly Way[] {
  if (name === 'PostObject') return ['form']
  if (name === 'PutObject') return modes
  // Its trailer would need an upload that was begun with a checksum.
  if (name === 'UploadPart') return modes.filter(mode => mode !== 'trailer')
  return method === 'PUT' || method === 'POST' ? ['header', 'query', 'chunks'] : ['header', 'query']
}

export function plainOf(name: OperationName, row: OperationRow, place: Place): Plain {
  const { method, level, sub, needs = [] } = row
  const { bucket, key, uploadId } = place
  const path = { service: '/', bucket: `/${bucket}`, object: `/${bucket}/${key}` }[level]
  const query: Record<string, string> = {}
  if (sub !== undefined) query[sub] = sub === 'list-type' ? '2' : sub === 'uploadId' ? uploadId : ''
  for (const need of needs) query[need] = '1'
  const header = row.header === undefined ? {} : { [row.header]: `${bucket}/${key}` }
  const more = bodies[name]?.(place) ?? {}
  const { headers = {}, body, path: other } = more
  return { method, path: other ?? path, query, headers: { ...header, ...headers }, body }
}

function withoutSignature(form: Asked): Asked {
  const text = Buffer.from(form.body ?? '').toString()
  const kept = text.split(/(?=--s3-boundary)/).filter(part => !/name="(x-amz-|policy)/.test(part))
  return { ...form, body: Buffer.from(kept.join('')) }
}

/** `kept` and `served` ones may have nothing to show; refused ones say that they are. */
function letInProblem({ state }: OperationRow, { status, text }: Answer): string | undefined {
  if (state === 'refused') return status === 501 ? undefined : 'must be told as not implemented'
  if (status < 300) return /<Error>/.test(text) ? 'an error inside, but may' : undefined
  const code = codeOf(text)
  const nothing = status === 404 && !/^NoSuch(Bucket|Key|Upload)$/.test(code)
  return nothing ? undefined : 'but may'
}

function refusalProblem(asked: S3Question, answer: Answer, changed: boolean): string | undefined {
  const { status, text } = answer
  const { dead, name } = asked
  if (changed) return 'refused, but something changed'
  if (text.includes(canary)) return 'tells a secret'
  if (name === 'DeleteObjects' && status === 200 && dead !== true) {
    return /<Error>.*(AccessDenied|NoSuchBucket)/s.test(text) && !text.includes('<Deleted>')
      ? undefined
      : 'deleted'
  }
  if (dead === true) return status === 403 ? undefined : 'must be 403'
  if (status === 403 || (status === 404 && asked.who === 'stranger')) return undefined
  return 'must be refused'
}

function codeOf(text: string): string {
  return /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? ''
}
