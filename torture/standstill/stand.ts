import { join } from 'node:path'
import type { Lab } from '../access/open-lab.ts'
import type { Caller } from '../access/people.ts'
import { type Pair, type Plain, sign } from '../access/s3/sign.ts'
import { type Answer, jsonOf, type Tree, Wire } from '../access/wire.ts'
import { apiKey, HoldfastProcess } from '../target/holdfast-process.ts'

export const password = 'Correct-Horse-7-Battery'

/** The server in a process of its own, and its administrator, who prepares what is asked for. */
export class Stand implements Pick<Lab, 'must'>, AsyncDisposable {
  readonly server: HoldfastProcess
  readonly s3Url: string
  readonly rest: Wire
  readonly s3: Wire

  private constructor(server: HoldfastProcess) {
    this.server = server
    this.s3Url = /S3 on (https?:\S+?),/.exec(server.log)?.[1] ?? ''
    this.rest = new Wire(server.url)
    this.s3 = new Wire(this.s3Url)
  }

  /** Whoever has many addresses meets no limit of requests of one: there are none here. */
  static async open(dir: string): Promise<Stand> {
    const server = await HoldfastProcess.start({
      dataDir: join(dir, 'data'),
      logFile: join(dir, 'server.log'),
      env: {
        STORAGE_S3_ENABLED: 'on',
        STORAGE_S3_PORT: '0',
        STORAGE_LOG_LEVEL: 'error',
        STORAGE_RESERVED_SPACE: '0',
        ...Object.fromEntries(unlimited.map(name => [`STORAGE_RATE_LIMIT_${name}`, 'off'])),
      },
    })
    return new Stand(server)
  }

  async must(method: string, path: string, body?: Tree): Promise<Tree> {
    return await this.mustAs({ 'x-api-key': apiKey }, [method, path, body])
  }

  async mustAs(
    credential: Caller['headers'],
    [method, path, body]: readonly [string, string, Tree?],
  ): Promise<Tree> {
    const answer = await this.rest.ask(restAsked(credential, { method, path, body }))
    if (answer.status < 300) return jsonOf(answer)
    throw new Error(`${method} ${path.slice(0, 200)}: ${answer.status} ${answer.text}`)
  }

  async mustS3(plain: Plain, pair: Pair): Promise<Answer> {
    const signing = { pair, mode: 'header', host: this.s3.host, nowMs: Date.now() } as const
    const answer = await this.s3.ask(sign(plain, signing))
    if (answer.status < 300) return answer
    throw new Error(`${plain.method} ${plain.path.slice(0, 200)}: ${answer.status} ${answer.text}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.rest[Symbol.dispose]()
    this.s3[Symbol.dispose]()
    await this.server.kill()
  }
}

const unlimited = ['ADDRESS', 'PRINCIPAL', 'ACCOUNT', 'BUCKET', 'LOGIN', 'CREDENTIALS', 'AUDIT']

function restAsked(
  credential: Caller['headers'],
  { method, path, body }: { readonly method: string; readonly path: string; readonly body?: Tree },
) {
  if (body === undefined) return { method, path, headers: credential }
  if (body instanceof Uint8Array) return { method, path, headers: credential, body }
  const headers = { ...credential, 'content-type': 'application/json' }
  return { method, path, headers, body: Buffer.from(JSON.stringify(body)) }
}

/** So many at a time, in the order of the numbers. */
export async function each(count: number, act: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const work = async () => {
    for (let n = next++; n < count; n = next++) await act(n)
  }
  await Promise.all(Array.from({ length: 24 }, work))
}
