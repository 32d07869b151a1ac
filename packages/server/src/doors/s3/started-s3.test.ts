import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type IncomingHttpHeaders, request } from 'node:http'
import { test } from 'node:test'
import { S3Client } from '@aws-sdk/client-s3'
import { startServer, type TestServer, type TestServerOptions } from '../../started-server.test.ts'
import { canonicalRequest } from './auth/canonical.ts'
import { requestSignature, signingKey } from './auth/signing.ts'
import { amzDate } from './auth/times.ts'
import { RequestHeaders } from './wire/headers.ts'
import { Query } from './wire/query.ts'

/** A server with a key pair for S3, the client of AWS, and requests that hide nothing. */

export const accessKey = 'HOLDFASTTESTKEY00001'
export const secretKey = 'test-secret-0123456789-abcdefghijklmnop'
export const region = 'us-east-1'

export interface S3TestServer extends AsyncDisposable {
  readonly server: TestServer
  readonly url: string
  readonly host: string
  readonly client: S3Client
  send(line: string, options?: SendOptions): Promise<S3Answer>
}

export interface SendOptions {
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array
  /** `none`: anonymous. `header` signs everything that starts with x-amz-. */
  readonly auth?: 'header' | 'query' | 'none'
  readonly key?: { readonly id: string; readonly secret: string }
  /** Headers added after signing. */
  readonly unsigned?: Record<string, string>
  readonly payload?: string
  readonly timeMs?: number
  readonly expires?: number
  readonly region?: string
}

export interface S3Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
  /** `Code` of an error document. */
  readonly code: string | undefined
}

export async function startS3(options: TestServerOptions = {}): Promise<S3TestServer> {
  const server = await startServer({
    ...options,
    env: {
      STORAGE_BOOTSTRAP_S3_ACCESS_KEY_ID: accessKey,
      STORAGE_BOOTSTRAP_S3_SECRET_ACCESS_KEY: secretKey,
      ...options.env,
    },
  })
  const url = server.running.s3Url ?? ''
  const client = new S3Client({
    endpoint: url,
    region,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  })
  const { host } = new URL(url)
  return {
    server,
    url,
    host,
    client,
    send: async (line, send = {}) => await sendOnce(host, line, send),
    async [Symbol.asyncDispose]() {
      client.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** `PUT /bucket/key?query`, signed as asked for. */
export function signedRequest(host: string, line: string, options: SendOptions) {
  const [method = 'GET', target = '/'] = line.split(/ (.*)/s)
  const [path = '/', query = ''] = target.split(/\?(.*)/s)
  const { auth = 'header', timeMs = Date.now() } = options
  const { id, secret } = options.key ?? { id: accessKey, secret: secretKey }
  const body = Buffer.from(options.body ?? '')
  const time = amzDate(timeMs)
  const scope = { day: time.slice(0, 8), region: options.region ?? region }
  const credential = `${id}/${scope.day}/${scope.region}/s3/aws4_request`
  const headers: Record<string, string> = { host, ...options.headers }
  const key = signingKey(secret, scope)
  const sign = (text: string, payloadHash: string, names: string[]) => {
    const parts = {
      method,
      path,
      query: new Query(text),
      headers: new RequestHeaders(Object.entries(headers).flat()),
    }
    const canonical = canonicalRequest(parts, { signedHeaders: names, payloadHash })
    return requestSignature(key, { time, scope }, canonical)
  }
  let search = query
  if (auth === 'header') {
    const hash = options.payload ?? createHash('sha256').update(body).digest('hex')
    headers['x-amz-date'] = time
    headers['x-amz-content-sha256'] = hash
    const names = Object.keys(headers).sort()
    const signature = sign(query, hash, names)
    headers.authorization =
      `AWS4-HMAC-SHA256 Credential=${credential}, ` +
      `SignedHeaders=${names.join(';')}, Signature=${signature}`
  } else if (auth === 'query') {
    const names = Object.keys(headers).sort()
    const parameters = new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': credential,
      'X-Amz-Date': time,
      'X-Amz-Expires': String(options.expires ?? 60),
      'X-Amz-SignedHeaders': names.join(';'),
    })
    search = [query, parameters.toString()].filter(part => part !== '').join('&')
    search += `&X-Amz-Signature=${sign(search, options.payload ?? 'UNSIGNED-PAYLOAD', names)}`
  }
  Object.assign(headers, options.unsigned)
  return { method, path: search === '' ? path : `${path}?${search}`, headers, body }
}

async function sendOnce(host: string, line: string, options: SendOptions): Promise<S3Answer> {
  const { method, path, headers, body } = signedRequest(host, line, options)
  const [hostname, port] = host.split(':')
  return await new Promise((resolve, reject) => {
    const sending = request({ hostname, port, method, path, headers }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        const text = bytes.toString()
        const code = /<Error>.*?<Code>(\w+)<\/Code>/s.exec(text)?.[1]
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, text, code })
      })
    })
    sending.on('error', reject)
    if (method !== 'GET' && method !== 'HEAD' && headers['content-length'] === undefined) {
      sending.setHeader('content-length', body.length)
    }
    sending.end(body.length === 0 ? undefined : body)
  })
}

/** Status and code of an answer. */
export function told(answer: S3Answer): [number, string | undefined] {
  return [answer.status, answer.code]
}

if (import.meta.main) {
  test('a server opens its door for S3', async () => {
    await using s3 = await startS3()
    const answer = await s3.send('GET /')
    assert.equal(answer.status, 200, answer.text)
    assert.match(answer.text, /<ListAllMyBucketsResult/)
  })
}
