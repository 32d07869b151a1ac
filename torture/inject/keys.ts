import { readdirSync } from 'node:fs'
import { adminKey, type Lab, s3Key } from '../access/open-lab.ts'
import { sign, signedForm } from '../access/s3/sign.ts'
import { type Answer, jsonOf } from '../access/wire.ts'
import type { Run } from '../runner/program.ts'
import { hostileKeys } from './hostile.ts'

const bucket = 'inject'
const boundary = 'inject-boundary-7MA4YWxkTrZu0gW'
const owner = '0199a7e2-7a55-7c54-b6f4-0d5f7c1d1f3a'

interface Door {
  readonly name: string
  put(lab: Lab, key: string): Promise<Answer>
}

const asAdministrator = { 'x-api-key': adminKey }
const json = { ...asAdministrator, 'content-type': 'application/json' }
/** Every byte escaped, or as Node sends a line at all. */
const escaped = (key: string) => Buffer.from(key).toString('hex').replaceAll(/../g, '%$&')
const content = Buffer.from('content')

/** All ways in that take a key. */
const doors: readonly Door[] = [
  {
    name: 'path',
    put: (lab, key) =>
      lab.rest.ask({
        method: 'PUT',
        path: `/api/v2/buckets/${bucket}/assets/${escaped(key)}`,
        headers: asAdministrator,
        body: content,
      }),
  },
  {
    name: 'query',
    put: (lab, key) =>
      lab.rest.ask({
        method: 'PUT',
        path: `/api/v2/buckets/${bucket}/asset?key=${escaped(key)}`,
        headers: asAdministrator,
        body: content,
      }),
  },
  {
    name: 'form',
    put: (lab, key) => {
      const facts = { filename: 'a', content_type: 'text/plain', service: 'x', owner_id: owner }
      const fields = Object.entries({ ...facts, bucket, key })
      const parts = fields.map(([name, value]) => `name="${name}"\r\n\r\n${value}`)
      parts.push('name="file"; filename="a"\r\n\r\ncontent')
      const head = `--${boundary}\r\nContent-Disposition: form-data; `
      const body = `${parts.map(part => `${head}${part}\r\n`).join('')}--${boundary}--\r\n`
      const type = { 'content-type': `multipart/form-data; boundary=${boundary}` }
      return lab.rest.ask({
        method: 'POST',
        path: '/api/v2/assets/upload',
        headers: { ...asAdministrator, ...type },
        body: Buffer.from(body),
      })
    },
  },
  {
    name: 'presigned',
    put: async (lab, key) => {
      const body = Buffer.from(JSON.stringify({ bucket, key }))
      const path = '/api/v2/presigned-uploads'
      const link = await lab.rest.ask({ method: 'POST', path, headers: json, body })
      if (link.status !== 201) return link
      const { pathname } = new URL(jsonOf(link).url)
      return await lab.rest.ask({ method: 'PUT', path: pathname, body: content })
    },
  },
  {
    name: 'move',
    put: async (lab, key) => {
      const { id } = await lab.must('PUT', `/api/v2/buckets/${bucket}/asset?key=from`, content)
      const body = Buffer.from(JSON.stringify({ key }))
      const path = `/api/v2/assets/${id}/move`
      return await lab.rest.ask({ method: 'POST', path, headers: json, body })
    },
  },
  {
    name: 'S3',
    put: (lab, key) => {
      const signing = { pair: s3Key, host: lab.s3.host, nowMs: lab.now(), mode: 'header' } as const
      const path = `/${bucket}/${[...new TextEncoder().encode(key)].map(escapeByte).join('')}`
      return lab.s3.ask(sign({ method: 'PUT', path, body: 'content' }, signing))
    },
  },
  {
    name: 'S3 form',
    put: (lab, key) => {
      const signing = { pair: s3Key, host: lab.s3.host, nowMs: lab.now() }
      return lab.s3.ask(signedForm({ bucket, key, content: 'content' }, signing))
    },
  },
]

/** Canonical: what needs no escape has none, slashes stay. */
function escapeByte(byte: number): string {
  const char = String.fromCharCode(byte)
  if (/[\w.~/-]/.test(char)) return char
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/** A key is kept exactly as it was given, or refused; nothing becomes a path on the disk. */
export async function injectKeys(run: Run, lab: Lab): Promise<void> {
  await lab.must('POST', '/api/v2/buckets', { name: bucket })
  await lab.must('POST', '/api/v2/buckets', { name: 'beside' })
  const outside = () => [readdirSync(run.scratch).sort(), readdirSync(lab.dir).sort()].join()
  const before = outside()
  for (const door of doors) {
    for (const key of hostileKeys) {
      const answer = await door.put(lab, key)
      run.count('keys')
      const problem = await problemOf(lab, { key, answer })
      if (problem === undefined) run.pass()
      else run.fail(`${door.name} ${JSON.stringify(key.slice(0, 60))}: ${problem}`)
    }
  }
  if (outside() !== before) run.fail(`files lie where none belong: ${outside()}`)
  const { total } = await lab.must('GET', '/api/v2/buckets/beside/assets')
  if (total !== 0) run.fail('something came into another bucket')
}

async function problemOf(
  lab: Lab,
  { key, answer }: { readonly key: string; readonly answer: Answer },
): Promise<string | undefined> {
  const { status, text } = answer
  const list = `/api/v2/buckets/${bucket}/assets?limit=1000`
  const kept: string[] = (await lab.must('GET', list)).items.map(
    ({ key: one }: { key: string }) => one,
  )
  for (const one of kept) await lab.must('DELETE', `${assetAt(one)}&hard_delete=true`)
  if (status >= 500) return `${status} ${text.slice(0, 200)}`
  if (status >= 400) return kept.includes(key) ? 'refused, but there' : undefined
  // The move leaves nothing behind, every other way makes one.
  if (kept.length === 1 && kept[0] === key) return undefined
  return `${status}, kept as ${JSON.stringify(kept).slice(0, 200)}`
}

function assetAt(key: string): string {
  return `/api/v2/buckets/${bucket}/asset?key=${escaped(key)}`
}
