import { once } from 'node:events'
import { createServer, get, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, get as tlsGet } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Besieged, Counts } from './besieged.ts'

export const quiet: Counts = { inFlight: 0, sockets: 0, staged: 0, places: '"address-places";r=3' }

interface Listening extends AsyncDisposable {
  readonly port: number
  readonly sockets: ReadonlySet<Socket>
}

async function listening(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket.once('close', () => sockets.delete(socket)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    ...{ port, sockets },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** A small server in this process under the same judges; with a pair its doors speak TLS. */
export async function smallServer(
  listener: RequestListener,
  pair?: { readonly cert: Buffer; readonly key: Buffer },
): Promise<Besieged & AsyncDisposable> {
  const plain = await listening(createServer(listener))
  const doors = pair === undefined ? plain : await listening(createTlsServer(pair, listener))
  const ports = { rest: doors.port, s3: doors.port, metrics: plain.port }
  return {
    ...{ ports, ca: pair?.cert, ended: undefined, complaints: [], files: 0 },
    ask: async door => {
      const place = { host: '127.0.0.1', port: ports[door], agent: false as const, ca: pair?.cert }
      const isTls = pair !== undefined && door !== 'metrics'
      const [answer] = await once((isTls ? tlsGet : get)(place), 'response')
      answer.resume()
      return { status: answer.statusCode, body: Buffer.alloc(0), limits: '' }
    },
    counts: async () => {
      const sockets = plain.sockets.size + (doors === plain ? 0 : doors.sockets.size)
      return { ...quiet, sockets }
    },
    async [Symbol.asyncDispose]() {
      await plain[Symbol.asyncDispose]()
      if (doors !== plain) await doors[Symbol.asyncDispose]()
    },
  }
}
