import { createHash, randomUUID } from 'node:crypto'
import {
  type OperationName,
  type OperationRow,
  operations,
} from '@holdfast/server/doors/s3/operations.ts'
import { bodies, type Place } from '../access/s3/s3-bodies.ts'
import { plainOf } from '../access/s3/s3-matrix.ts'
import { type Plain, sign, signedForm } from '../access/s3/sign.ts'
import type { Asked } from '../access/wire.ts'
import type { Case } from './case.ts'
import { type Facts, longKey, longPolicy, names, type Person } from './fill.ts'
import { documentBytes, hostileXml } from './heaviest.ts'
import type { Stand } from './stand.ts'

interface About {
  readonly stand: Stand
  readonly facts: Facts
  readonly name: OperationName
  readonly row: OperationRow
}

/** Every operation of S3, also the refused ones, whose documents nobody has to read. */
export function s3Cases(stand: Stand, facts: Facts): Case[] {
  return Object.entries<OperationRow>(operations).flatMap(([name, row]) => {
    const about = { stand, facts, name: name as OperationName, row }
    if (name === 'PostObject') return [formCase(about)]
    return [...plainCases(about), ...listCases(about), ...documentCases(about)]
  })
}

function placeOf({ facts }: About, bucket: string): Place {
  const key = bucket === facts.bucket ? facts.key : longKey(0)
  const { uploadId, etag } = facts
  return { bucket, key, uploadId, etag, nowMs: Date.now() }
}

/** The upload is of a key of its own. */
function plain(about: About, bucket: string): Plain {
  const place = placeOf(about, bucket)
  const { name, row } = about
  const isOfUpload = row.sub === 'uploadId'
  return plainOf(name, row, isOfUpload ? { ...place, key: 'parts' } : spared(about, place))
}

/** Removing takes something that nobody else asks for. */
function spared({ name }: About, place: Place): Place {
  if (name === 'DeleteBucket') return { ...place, bucket: `st-gone-${randomUUID()}` }
  // The policies and settings of the others stay.
  if (/^(Delete|Put)(Bucket|PublicAccess)/.test(name)) return { ...place, bucket: names.spent }
  return /^(Delete|Rename|Put|Copy)/.test(name) ? { ...place, key: 'spent' } : place
}

function plainCases(about: About): Case[] {
  if (/^(Abort|Complete)MultipartUpload$/.test(about.name)) return [endCase(about)]
  const { owner, readonly, visitor } = about.facts
  const { method } = about.row
  const isReading = method === 'GET' || method === 'HEAD'
  const cases = [caseOf(about, owner, 'asked plainly', () => plain(about, names.ours))]
  if (!isReading) return cases
  return [
    ...cases,
    ...[owner, readonly, visitor].map(who =>
      caseOf(about, who, 'in the open bucket', () => plain(about, names.open)),
    ),
    caseOf(about, readonly, 'in a foreign bucket', () => plain(about, names.foreign)),
  ]
}

/** Of an upload of its own: others ask for the one with many parts. */
function endCase({ stand, facts, name, row }: About): Case {
  const make = async () => {
    const { pair } = facts.owner
    if (pair === undefined) throw new Error('no key of S3')
    const path = `/${names.ours}/${longKey(0, 'ended/')}`
    const begun = await stand.mustS3({ method: 'POST', path, query: { uploads: '' } }, pair)
    const uploadId = /<UploadId>([^<]+)</.exec(begun.text)?.[1] ?? ''
    const signing = { pair, mode: 'header', host: stand.s3.host, nowMs: Date.now() } as const
    const { method } = row
    const body = name === 'CompleteMultipartUpload' ? parts(facts.etag) : undefined
    return sign({ method, path, query: { uploadId }, body }, signing)
  }
  return { name: `${name} by owner, asked plainly`, operation: name, door: 's3', make }
}

/** Pages of the largest size, with what makes them long. */
function listCases(about: About): Case[] {
  const { reads = [] } = about.row
  const size = reads.find(name => /^max-(keys|uploads|parts|buckets)$/.test(name))
  if (size === undefined) return []
  const { owner, readonly, visitor } = about.facts
  const page = { [size]: '1000' }
  const queries: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'largest page': page,
    'largest page, prefix': { ...page, prefix: 'long/' },
    'largest page, delimiter': { ...page, delimiter: '/', prefix: 'long/' },
    'largest page, seldom delimiter': { ...page, delimiter: 'kkkkkkkkkkkkkkkkkkkkkkkkk' },
    'largest page, encoded': { ...page, 'encoding-type': 'url' },
  }
  return Object.entries(queries).flatMap(([name, more]) => {
    const known = Object.keys(more).every(parameter => reads.includes(parameter))
    if (!known) return []
    const ask = (bucket: string) => () => {
      const one = plain(about, bucket)
      return { ...one, query: { ...one.query, ...more } }
    }
    return [
      caseOf(about, owner, name, ask(names.ours)),
      ...[readonly, visitor].map(who => caseOf(about, who, `${name}, open`, ask(names.open))),
      caseOf(about, readonly, `${name}, foreign`, ask(names.foreign)),
    ]
  })
}

/** Their bodies are content, whatever they look like. */
const contents: ReadonlySet<string> = new Set(['PutObject', 'UploadPart'])
const sizes = { 'a long document': documentBytes, 'a document of 60 KB': 60_000 } as const

function documentCases(about: About): Case[] {
  const { name, row, facts } = about
  if (row.method !== 'PUT' && row.method !== 'POST') return []
  if (contents.has(name)) return tinyChunks(about)
  if (row.header !== undefined || name === 'RenameObject') return []
  const good = String(bodies[name]?.(placeOf(about, names.ours)).body ?? '')
  const texts: Record<string, () => string> = {}
  for (const [size, bytes] of Object.entries(sizes)) {
    for (const [what, text] of Object.entries(hostileXml(good, bytes))) {
      texts[`${size}, ${what}`] = text
    }
  }
  if (name === 'DeleteObjects') texts['1,000 keys'] = keys
  if (name === 'CompleteMultipartUpload') texts['10,000 parts'] = () => parts(facts.etag)
  if (name === 'PutBucketPolicy') texts['the longest policy'] = () => longPolicy(names.spent)
  return Object.entries(texts).map(([what, make]) =>
    caseOf(about, facts.owner, what, () => {
      const body = make()
      const md5 = createHash('md5').update(body).digest('base64')
      const one = plain(about, names.ours)
      return { ...one, body, headers: { ...one.headers, 'content-md5': md5 } }
    }),
  )
}

function keys(): string {
  const all = Array.from({ length: 1000 }, (_, n) => `<Object><Key>${longKey(n)}</Key></Object>`)
  return `<Delete>${all.join('')}</Delete>`
}

function parts(etag: string): string {
  const all = Array.from(
    { length: 10_000 },
    (_, n) => `<Part><PartNumber>${n + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
  )
  return `<CompleteMultipartUpload>${all.join('')}</CompleteMultipartUpload>`
}

/** Frames of one byte each: as much work as bytes. */
function tinyChunks(about: About): Case[] {
  const { facts, stand } = about
  const { pair } = facts.owner
  if (pair === undefined) return []
  const make = async () => {
    const body = Buffer.alloc(128 * 1024, 'x')
    const one = { ...plain(about, names.ours), body }
    const signing = { pair, mode: 'trailer', host: stand.s3.host, nowMs: Date.now() } as const
    const asked = sign(one, signing)
    const sent = Buffer.from(asked.body ?? '').toString()
    const end = sent.slice(sent.lastIndexOf('\r\n0\r\n') + 2)
    return { ...asked, body: Buffer.from('1\r\nx\r\n'.repeat(body.length) + end) }
  }
  const name = `${about.name} by owner, tiny chunks`
  return [{ name, operation: about.name, door: 's3', make }]
}

function formCase({ stand, facts, name }: About): Case {
  const make = async () => {
    const { pair } = facts.owner
    if (pair === undefined) throw new Error('no key of S3')
    const place = { bucket: names.ours, key: 'spent', content: 'form' }
    return signedForm(place, { pair, host: stand.s3.host, nowMs: Date.now() })
  }
  return { name: `${name} by owner, asked plainly`, operation: name, door: 's3', make }
}

function caseOf(about: About, who: Person, what: string, ask: () => Plain): Case {
  const { stand, name } = about
  const make = async (): Promise<Asked> => {
    const one = ask()
    const { host } = stand.s3
    const { pair } = who
    if (pair !== undefined) {
      return sign(one, { pair, mode: 'header', host, nowMs: Date.now() })
    }
    const query = new URLSearchParams(one.query).toString()
    const path = query === '' ? one.path : `${one.path}?${query}`
    const body = one.body === undefined ? undefined : Buffer.from(one.body)
    return { method: one.method, path, headers: { host, ...one.headers }, body }
  }
  return { name: `${name} by ${who.name}, ${what}`, operation: name, door: 's3', make }
}
