import { createServer } from 'node:net'

/**
 * Rejects as listening would. A store is made by its first opening: a taken port should be noticed
 * before that.
 */
export async function requireFreePort(host: string, port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => resolve())
  })
  await new Promise(resolve => server.close(resolve))
}
