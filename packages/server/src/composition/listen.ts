import type { Server } from 'node:http'
import type { Log } from '../telemetry/log.ts'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** What the kernel keeps of who is not accepted yet, up to its own limit (`somaxconn`). */
export const BACKLOG = 4096

/** Rejects with what Node says, such as EADDRINUSE. */
export async function listen(server: Server, address: ListenAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...address, backlog: BACKLOG }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'it is taken by another program',
  EACCES: 'this user may not open it',
  EADDRNOTAVAIL: 'the host is no address of this machine',
  ENOTFOUND: 'the host is no address of this machine',
}

/** Says why a port is done without, in a line for operators: where in the program helps nobody. */
export function warnOfPort(
  log: Log,
  error: unknown,
  of: ListenAddress & { readonly what: string; readonly setting: string },
): void {
  const { host, port, what, setting } = of
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  const reason = Object.hasOwn(REASONS, code) ? REASONS[code] : String(error)
  const told = `the port for ${what} could not be opened: ${reason}; set ${setting}`
  log.warn({ host, port, code }, told)
}
