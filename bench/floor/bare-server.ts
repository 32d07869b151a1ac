// The least that a server of this kind can do: receive, hash, and answer from memory.
// `node bare-server.ts http|socket <port>`; the loads of the bench talk to it.
import { createHash, hash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSocketServer, type Socket } from 'node:net'
import { startOwn } from '../servers/own-server.ts'
import type { Server, StartServer } from '../servers/server.ts'

export type BareKind = 'http' | 'socket'

/** Longer bodies are hashed as they come and not kept. */
const KEPT_BYTES_MAX = 64 * 1024

/** `node:http` as it is, or a parser of a few lines on a plain socket. */
export function startBare(kind: BareKind): StartServer {
  return async ({ dir }): Promise<Server> => {
    return await startOwn({
      dir,
      name: kind === 'http' ? 'node:http' : 'plain socket',
      file: import.meta.filename,
      args: [kind],
    })
  }
}

const kept = new Map<string, Buffer>([['/-/ready', Buffer.from('ready')]])

function serveHttp(port: number): void {
  const server = createServer((request, response) => {
    if (request.method === 'PUT') receive(request, response)
    else answer(request, response)
  })
  server.keepAliveTimeout = 600_000
  server.listen(port, '127.0.0.1', 4096)
}

function answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
  const body = kept.get(url)
  response.writeHead(body === undefined ? 404 : 200, { 'Content-Length': body?.length ?? 0 })
  response.end(body)
}

function receive(request: IncomingMessage, response: ServerResponse): void {
  const isLarge = Number(request.headers['content-length']) > KEPT_BYTES_MAX
  const chunks: Buffer[] = []
  const sum = isLarge ? createHash('sha256') : undefined
  request.on('data', (chunk: Buffer) => {
    if (sum === undefined) chunks.push(chunk)
    else sum.update(chunk)
  })
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    const digest = sum === undefined ? hash('sha256', body) : sum.digest('hex')
    if (sum === undefined) keep(request.url ?? '', body)
    response.writeHead(201, { 'Content-Length': digest.length })
    response.end(digest)
  })
}

/** What is read is put first; what is put in the end need not be kept. */
function keep(path: string, body: Buffer): void {
  if (kept.size < 4096) kept.set(path, body)
}

function serveSocket(port: number): void {
  createSocketServer({ noDelay: true }, socket => {
    let rest: Buffer = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', chunk => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      for (let used = exchange(socket, rest); used > 0; used = exchange(socket, rest)) {
        rest = rest.subarray(used)
      }
    })
  }).listen(port, '127.0.0.1', 4096)
}

/** Answers the request that begins here; 0 when it is not there as a whole. */
function exchange(socket: Socket, bytes: Buffer): number {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return 0
  const head = bytes.toString('latin1', 0, headEnd)
  const [method, path = ''] = head.slice(0, head.indexOf('\r')).split(' ')
  if (method === 'PUT') return receiveSmall(socket, bytes, { head, path })
  const body = kept.get(path)
  const status = body === undefined ? '404 Not Found' : '200 OK'
  socket.cork()
  socket.write(`HTTP/1.1 ${status}\r\nContent-Length: ${body?.length ?? 0}\r\n\r\n`, 'latin1')
  if (body !== undefined) socket.write(body)
  socket.uncork()
  return headEnd + 4
}

function receiveSmall(
  socket: Socket,
  bytes: Buffer,
  { head, path }: { readonly head: string; readonly path: string },
): number {
  const bodyAt = head.length + 4
  const length = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0)
  if (bytes.length < bodyAt + length) return 0
  const body = Buffer.from(bytes.subarray(bodyAt, bodyAt + length))
  const digest = hash('sha256', body)
  keep(path, body)
  socket.write(`HTTP/1.1 201 Created\r\nContent-Length: ${digest.length}\r\n\r\n${digest}`)
  return bodyAt + length
}

if (import.meta.main) {
  const [, , kind, port] = process.argv
  process.once('SIGTERM', () => process.exit(0))
  if (kind === 'http') serveHttp(Number(port))
  else serveSocket(Number(port))
}
