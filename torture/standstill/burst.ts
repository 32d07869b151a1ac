import { connect } from 'node:net'
import type { Asked } from '../access/wire.ts'

export interface Burst {
  readonly asked: readonly { readonly url: URL; readonly asked: Asked }[]
  /** How many of each. */
  readonly times: number
  /** Whoever was not answered by then goes away. */
  readonly msMax: number
}

/** How many were answered with which status; `cut` were not answered. */
export type Statuses = Readonly<Record<string, number>>

/** Equal requests at once, each on a connection of its own that is closed behind it. */
export async function burst({ asked, times, msMax }: Burst): Promise<Statuses> {
  const texts = asked.map(one => ({ url: one.url, bytes: bytesOf(one.asked, one.url.host) }))
  const statuses: Record<string, number> = {}
  const all = Array.from({ length: times }, () => texts).flat()
  await Promise.all(
    all.map(async ({ url, bytes }) => {
      const status = await send(url, bytes, msMax)
      statuses[status] = (statuses[status] ?? 0) + 1
    }),
  )
  return statuses
}

function bytesOf({ method, path, headers = {}, body }: Asked, host: string): readonly Uint8Array[] {
  const lines = [`${method} ${path} HTTP/1.1`]
  const names = new Set(Object.keys(headers).map(name => name.toLowerCase()))
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`)
  if (!names.has('host')) lines.push(`host: ${host}`)
  const isCounted = body !== undefined || method === 'PUT' || method === 'POST'
  if (isCounted && !names.has('content-length')) lines.push(`content-length: ${body?.length ?? 0}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\nconnection: close\r\n\r\n`, 'latin1')
  return body === undefined ? [head] : [head, body]
}

async function send(url: URL, bytes: readonly Uint8Array[], msMax: number): Promise<string> {
  return await new Promise(resolve => {
    const socket = connect(Number(url.port), url.hostname)
    let status = 'cut'
    socket.setNoDelay(true)
    socket.on('data', data => {
      if (status === 'cut') status = data.toString('latin1', 9, 12)
    })
    // Who is refused before all was sent may meet a closed connection.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(status)
    })
    const timer = setTimeout(() => socket.destroy(), msMax)
    for (const part of bytes) socket.write(part)
  })
}
