import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { codesOf } from '@holdfast/contract/openapi.ts'
import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { problem } from '@holdfast/contract/schemas/problem.ts'
import { verifyStore } from '@holdfast/engine/integrity/verify.ts'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { parseSettings } from './config/parse-settings.ts'
import type { ContextOptions } from './context.ts'
import { type RunningServer, serve } from './serve.ts'

/** A real server on a free port and a temporary directory, and a client that hides nothing. */

export const adminKey = 'hf_test-administrator-0123456789'
/** A fifth of a second for each password would be most of what tests of people take. */
const cheapest = 4

// JSON as it comes: the assertions look into it.
export type Tree = ReturnType<typeof JSON.parse>

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
  readonly json: Tree
}

export interface AskOptions {
  readonly headers?: Record<string, string | number | string[]>
  readonly body?: string | Uint8Array | Readable | FormData
  /** JSON body. */
  readonly json?: unknown
  /** API key; null for none. */
  readonly key?: string | null
}

export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly dir: string
  readonly running: RunningServer
  readonly logLines: string[]
  ask(line: string, options?: AskOptions): Promise<Answer>
  /** Bytes to the socket as they are; resolves with all that came back until it closed. */
  raw(...parts: (string | Uint8Array | number)[]): Promise<string>
  /** Temp files in the data directory. */
  temps(): string[]
  /** Whatever lies in the data directory and belongs to no asset, and what assets miss. */
  loose(): Promise<string[]>
}

export interface TestServerOptions extends Partial<ContextOptions> {
  readonly env?: Record<string, string>
  readonly dir?: string
}

export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'holdfast-server-'))
  const { settings } = parseSettings({
    env: {
      STORAGE_PORT: '0',
      STORAGE_METRICS_PORT: '0',
      STORAGE_DATA_DIR: dir,
      STORAGE_BOOTSTRAP_API_KEY: adminKey,
      STORAGE_RESERVED_SPACE: '0',
      STORAGE_SHUTDOWN_TIMEOUT: '2',
      ...options.env,
    },
    readSecret: path => readFileSync(path, 'utf8'),
  })
  const logLines: string[] = []
  const undeclared: string[] = []
  const logTo = {
    write: (line: string) => {
      logLines.push(line)
      const told = undeclaredCode(line)
      if (told !== undefined) undeclared.push(told)
    },
  }
  const { env: _, dir: __, ...given } = options
  const running = await serve({ logTo, passwordCost: cheapest, ...given, settings })
  const agent = new Agent({ keepAlive: true })
  const port = Number(new URL(running.url).port)
  return {
    url: running.url,
    port,
    dir,
    running,
    logLines,
    ask: async (line, ask = {}) => await askOnce({ port, agent }, line, ask),
    raw: async (...parts) => await sendRaw(port, parts),
    temps: () => readdirSync(join(dir, 'tmp')),
    loose: async () => await looseIn(dir, running),
    async [Symbol.asyncDispose]() {
      agent.destroy()
      await running.stop()
      if (options.dir === undefined) rmSync(dir, { recursive: true, force: true })
      assert.deepEqual(undeclared, [], 'codes that OpenAPI does not list')
    },
  }
}

/** A conflict or lock that the log line of an operation tells of, and its route does not. */
function undeclaredCode(line: string): string | undefined {
  const [, name = '', code = ''] = CONFLICT.exec(line) ?? []
  const route = Object.entries<Route>(routes).find(([operation]) => operation === name)?.[1]
  if (route === undefined || codesOf(route).some(listed => listed === code)) return undefined
  return `${name} ${code}`
}

const CONFLICT = /"operation":"(\w+)","status":(?:409|423),"code":"([A-Z_]+)"/

const OWN =
  /^(holdfast\.json|lock(-journal)?|catalog\.db(-wal|-shm)?|ballast|packs|blobs|tmp|notes)$/

async function looseIn(dir: string, running: RunningServer): Promise<string[]> {
  const report = await verifyStore(running.context.engine)
  const blobs = [...report.missing, ...report.damaged, ...report.orphaned]
  return [
    ...readdirSync(dir).filter(name => !OWN.test(name)),
    ...readdirSync(join(dir, 'tmp')),
    ...blobs.map(({ sha256 }) => sha256),
  ]
}

async function askOnce(
  to: { port: number; agent: Agent },
  line: string,
  options: AskOptions,
): Promise<Answer> {
  const [method = 'GET', path = '/'] = line.split(/ (.*)/s)
  const headers: Record<string, string | number | string[]> = {}
  if (options.key !== null) headers['x-api-key'] = options.key ?? adminKey
  let body: string | Uint8Array | Readable | undefined
  if (options.body instanceof FormData) {
    const encoded = new Response(options.body)
    headers['content-type'] = encoded.headers.get('content-type') ?? ''
    body = new Uint8Array(await encoded.arrayBuffer())
  } else body = options.body
  if (options.json !== undefined) {
    headers['content-type'] = 'application/json'
    body = JSON.stringify(options.json)
  }
  Object.assign(headers, options.headers)
  return await new Promise<Answer>((resolve, reject) => {
    const sending = request({
      host: '127.0.0.1',
      port: to.port,
      agent: to.agent,
      method,
      path,
      headers,
    })
    sending.on('response', response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        const type = response.headers['content-type'] ?? ''
        const text = bytes.toString()
        const plain = response.headers['content-encoding'] === undefined && bytes.length > 0
        const json = plain && type.startsWith('application/json') ? JSON.parse(text) : undefined
        const status = response.statusCode ?? 0
        const answer = { status, headers: response.headers, bytes, text, json }
        try {
          if (options.body === undefined || method !== 'HEAD') checkContract(method, path, answer)
          resolve(answer)
        } catch (error) {
          reject(error)
        }
      })
    })
    sending.on('error', reject)
    if (body instanceof Readable) body.pipe(sending)
    else sending.end(body)
  })
}

const compiled = new Map<TSchema, ReturnType<typeof Compile>>()

/** Every JSON answer of every test is held against the route table. */
function checkContract(method: string, path: string, answer: Answer): void {
  if (answer.json === undefined) return
  const schema =
    answer.status >= 400 ? refusalSchema(method, path, answer) : schemaOf(method, path, answer)
  if (schema === undefined) return
  const check = compiled.get(schema) ?? Compile(schema)
  compiled.set(schema, check)
  const errors = check.Errors(answer.json)
  assert.deepEqual(errors, [], `${method} ${path} ${answer.status}: ${answer.text.slice(0, 500)}`)
}

function refusalSchema(method: string, path: string, answer: Answer): TSchema {
  return schemaOf(method, path, answer) ?? problem
}

function schemaOf(method: string, path: string, { status }: Answer): TSchema | undefined {
  const bare = path.split('?')[0] ?? ''
  const candidates = Object.values<Route>(routes).filter(route => {
    const pattern = route.path
      .replaceAll('.', '\\.')
      .replaceAll(/\{\w+\+\}/g, '.*')
      .replaceAll(/\{\w+\}/g, '[^/]+')
    return route.method === method && new RegExp(`^${pattern}$`).test(bare)
  })
  const literal = candidates.sort((one, other) => params(one) - params(other))[0]
  const answers = literal === undefined ? [] : [literal.answer, ...(literal.also ?? [])]
  if (path.includes('info=true')) return routes.getAsset.answer.schema
  return answers.find(known => known.status === status)?.schema
}

function params(route: Route): number {
  return route.path.split('{').length
}

async function sendRaw(port: number, parts: (string | Uint8Array | number)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  const closed = new Promise<string>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
    socket.on('error', error => {
      if ('code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) return
      reject(error)
    })
    socket.setTimeout(30_000, () => socket.destroy(new Error('the server did not close')))
  })
  for (const part of parts) {
    if (socket.destroyed) break
    if (typeof part === 'number') await new Promise(resolve => setTimeout(resolve, part))
    else if (part === 'FIN') socket.end()
    else if (part === 'RST') socket.resetAndDestroy()
    else socket.write(part)
  }
  return await closed
}

export const owner = '0199a7e2-7a55-7c54-b6f4-0d5f7c1d1f3a'

/** The form of an upload; fields may be replaced or, with undefined, left out. */
export function uploadForm(
  content: string | Uint8Array<ArrayBuffer>,
  fields: Record<string, string | undefined> = {},
): FormData {
  const form = new FormData()
  const all = {
    filename: 'a.txt',
    content_type: 'text/plain',
    service: 'tests',
    owner_id: owner,
    ...fields,
  }
  for (const [name, value] of Object.entries(all)) if (value !== undefined) form.append(name, value)
  form.append('file', new Blob([content]), 'a.txt')
  return form
}

/** Uploads by form and returns the asset. */
export async function upload(
  server: TestServer,
  content: string | Uint8Array<ArrayBuffer>,
  fields: Record<string, string | undefined> = {},
): Promise<Tree> {
  const body = uploadForm(content, fields)
  const answer = await server.ask('POST /api/v2/assets/upload', { body })
  assert.equal(answer.status, 201, answer.text)
  return answer.json
}

/** Asserts a refusal: its status, its code, and that it is told as the contract says. */
export function refused(answer: Answer, status: number, code: string): void {
  assert.deepEqual([answer.status, answer.json?.code], [status, code], answer.text)
  assert.equal(answer.json.request_id, answer.headers['x-request-id'])
}

if (import.meta.main) {
  test('a server starts on a free port, answers, and stops', async () => {
    await using server = await startServer()
    const answer = await server.ask('GET /', { key: null })
    assert.equal(answer.status, 200)
    assert.equal(answer.json.status, 'running')
    assert.deepEqual(server.temps(), [])
  })
}
