// The least that node:http can do, in memory: the harness is tested with it, and it stands in for
// nginx where there is none. Run as a program: `node bare-http.ts <port>`.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { startOwn } from './own-server.ts'
import type { Server, StartOptions } from './server.ts'

export async function startBareHttp({ dir }: StartOptions): Promise<Server> {
  return await startOwn({ dir, name: 'node:http in memory', file: import.meta.filename, args: [] })
}

function serveBareHttp(port: number): void {
  const objects = new Map<string, Buffer>([['/-/ready', Buffer.from('ready')]])
  const server = createServer((request, response) => answer(objects, request, response))
  server.keepAliveTimeout = 600_000
  server.listen(port, '127.0.0.1', 4096)
  process.once('SIGTERM', () => process.exit(0))
}

function answer(
  objects: Map<string, Buffer>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = request.url ?? ''
  const { method } = request
  if (method === 'DELETE') {
    response.writeHead(objects.delete(path) ? 204 : 404).end()
    return
  }
  if (method === 'GET' || method === 'HEAD') {
    const body = objects.get(path)
    response.writeHead(body === undefined ? 404 : 200, { 'Content-Length': body?.length ?? 0 })
    response.end(method === 'GET' ? body : undefined)
    return
  }
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    objects.set(path, Buffer.concat(chunks))
    response.writeHead(201, { 'Content-Length': 2 })
    response.end('{}')
  })
}

if (import.meta.main) serveBareHttp(Number(process.argv[2]))
