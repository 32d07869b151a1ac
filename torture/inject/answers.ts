import { connect } from 'node:net'
import { adminKey, type Lab, s3Key } from '../access/open-lab.ts'
import { type Plain, sign } from '../access/s3/sign.ts'
import { type Answer, type Asked, jsonOf } from '../access/wire.ts'
import type { Run } from '../runner/program.ts'
import { hostileTexts, scriptTypes } from './hostile.ts'

const bucket = 'inject'
const script = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
const signing = (lab: Lab) =>
  ({ pair: s3Key, host: lab.s3.host, nowMs: lab.now(), mode: 'query' }) as const

/** Whatever is kept and comes back in a header stays inside of its own value. */
export async function injectHeaders(run: Run, lab: Lab): Promise<void> {
  for (const text of hostileTexts) {
    for (const [way, ask] of Object.entries(await askersFor(lab, text))) {
      run.count('header texts')
      const raw = await rawly(ask.port, ask.asked)
      const problem = problemOfHead(raw) ?? (way === 'name' ? problemOfName(raw) : undefined)
      if (problem === undefined) run.pass()
      else run.fail(`${way} ${JSON.stringify(text.slice(0, 40))}: ${problem}\n${raw.slice(0, 900)}`)
    }
  }
}

interface Asker {
  readonly port: number
  readonly asked: Asked
}

/** Puts the text into everything that takes one, and says how what was taken is read again. */
async function askersFor(lab: Lab, text: string): Promise<Record<string, Asker>> {
  const headers = { 'x-api-key': adminKey }
  const path = `/api/v2/buckets/${bucket}/asset?key=named&name=${encodeURIComponent(text)}`
  const named = await lab.rest.ask({ method: 'PUT', path, headers, body: Buffer.from('x') })
  const found: Record<string, Asker> = {}
  const port = (host: string) => Number(new URL(`http://${host}`).port)
  const rest = port(lab.rest.host)
  if (named.status < 300) {
    const download = `/api/v2/assets/${jsonOf(named).id}/download`
    found.name = { port: rest, asked: { method: 'GET', path: download, headers } }
  }
  found['request id'] = {
    port: rest,
    asked: { method: 'GET', path: '/', headers: { 'x-request-id': oneLine(text) } },
  }
  const put = async (plain: Plain): Promise<Answer> =>
    await lab.s3.ask(sign(plain, { ...signing(lab), mode: 'header' })).catch(() => noAnswer)
  for (const name of ['x-amz-meta-a', 'content-type', 'cache-control', 'content-disposition']) {
    const key = `/${bucket}/s3-${name}`
    const value = Buffer.from(oneLine(text)).toString('latin1')
    const stored = await put({ method: 'PUT', path: key, headers: { [name]: value } })
    if (stored.status < 300) {
      const asked = sign({ method: 'GET', path: key }, signing(lab))
      found[`S3 ${name}`] = { port: port(lab.s3.host), asked }
    }
    if (name === 'x-amz-meta-a') continue
    const query = { [`response-${name}`]: text }
    const asked = sign({ method: 'GET', path: `/${bucket}/s3-x-amz-meta-a`, query }, signing(lab))
    found[`S3 response-${name}`] = { port: port(lab.s3.host), asked }
  }
  return found
}

const noAnswer: Answer = { status: 0, headers: {}, names: [], body: Buffer.alloc(0), text: '' }

/** Clients cannot send a line break in a header; what they can send is sent. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\0]/g, ' ')
}

/** Head as it stands on the wire: a parser of ours would hide what another one sees. */
async function rawly(port: number, { method, path, headers = {} }: Asked): Promise<string> {
  const named: Record<string, unknown> = { host: `127.0.0.1:${port}`, ...headers }
  const lines = Object.entries(named).map(([name, value]) => `${name}: ${value}`)
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  return await new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
    socket.on('error', reject)
    socket.setTimeout(10_000, () => socket.destroy())
    const head = [`${method} ${path} HTTP/1.1`, ...lines, 'connection: close', '', '']
    socket.write(Buffer.from(head.join('\r\n')))
  })
}

function problemOfHead(raw: string): string | undefined {
  const [head = ''] = raw.split('\r\n\r\n')
  const [status = '', ...fields] = head.split('\r\n')
  if (!/^HTTP\/1\.1 [234]\d\d /.test(status)) return `answered ${status.slice(0, 60)}`
  for (const field of fields) {
    const name = /^([!#$%&'*+.^`|~\w-]+): /.exec(field)?.[1]
    if (name === undefined && !/^[\w-]+:$/.test(field.trim()))
      return `no field: ${field.slice(0, 80)}`
    if (name?.toLowerCase() === 'x-evil') return 'a header came in'
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(field)) return 'a control character'
  }
  return undefined
}

/** One name that quotes nothing and is no path, and at most once more as RFC 8187 writes it. */
function problemOfName(raw: string): string | undefined {
  const line = /^content-disposition: (.*?)\r?$/im.exec(raw)?.[1] ?? 'nothing'
  const plain = /^(attachment|inline); filename="[^"\\/]*"(; filename\*=UTF-8''[\w!#$&+.^`|~%-]+)?$/
  return plain.test(line) ? undefined : `named by ${line.slice(0, 80)}`
}

/** What could run as a script is saved or sandboxed, whoever asked for it and how. */
export async function injectTypes(run: Run, lab: Lab): Promise<void> {
  const key = { 'x-api-key': adminKey }
  for (const type of scriptTypes) {
    const path = `/api/v2/buckets/${bucket}/assets/script`
    const headers = { ...key, 'content-type': type }
    const put = await lab.rest.ask({ method: 'PUT', path, headers, body: Buffer.from(script) })
    const plain = { method: 'PUT', path: `/${bucket}/script-s3`, headers: { 'content-type': type } }
    const one = sign({ ...plain, body: script }, { ...signing(lab), mode: 'header' })
    const kept = await lab.s3.ask(one)
    const links: Record<string, () => Promise<Answer>> = {}
    if (put.status < 300) Object.assign(links, await restLinks(lab, jsonOf(put).id, path))
    if (kept.status < 300) Object.assign(links, s3Links(lab, type))
    for (const [way, read] of Object.entries(links)) {
      run.count('script types')
      const problem = problemOfType(await read())
      if (problem === undefined) run.pass()
      else run.fail(`${type} by ${way}: ${problem}`)
    }
  }
}

async function restLinks(lab: Lab, id: string, path: string) {
  const get =
    (at: string, headers = {}) =>
    async () =>
      await lab.rest.ask({ method: 'GET', path: at, headers })
  const key = { 'x-api-key': adminKey }
  const { url } = await lab.must('GET', `/api/v2/assets/${id}/presigned-url`)
  const share = await lab.must('POST', '/api/v2/shares', { asset_id: id })
  return {
    key: get(path, key),
    'key, inline': get(`${path}?inline=true`, key),
    id: get(`/api/v2/assets/${id}/download`, key),
    'id, inline': get(`/api/v2/assets/${id}/download?inline=true`, key),
    version: get(`/api/v2/assets/${id}/versions/1/download?inline=true`, key),
    link: get(new URL(url).pathname),
    'share link': get(new URL(share.url).pathname),
  }
}

function s3Links(lab: Lab, type: string) {
  const get = (key: string, query: Record<string, string>) => async () =>
    await lab.s3.ask(sign({ method: 'GET', path: `/${bucket}/${key}`, query }, signing(lab)))
  return {
    S3: get('script-s3', {}),
    'S3, another type': get('script-s3', { 'response-content-type': type }),
    'S3, inline': get('script-s3', { 'response-content-disposition': 'inline' }),
    'S3 of REST': get('script', { 'response-content-type': type }),
  }
}

function problemOfType({ status, headers, text }: Answer): string | undefined {
  if (status >= 400) return undefined
  if (status !== 200 || text !== script) return `answered ${status}`
  if (headers['x-content-type-options'] !== 'nosniff') return 'may be sniffed'
  const attached = headers['content-disposition']?.startsWith('attachment') === true
  // A policy of its own cannot be taken away by a stored header, and its words are not quoted.
  const sandboxed = /^sandbox; default-src 'none'/.test(headers['content-security-policy'] ?? '')
  return attached || sandboxed ? undefined : 'would run'
}
