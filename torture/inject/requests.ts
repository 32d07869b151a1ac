import { randomUUID } from 'node:crypto'
import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { type OperationRow, operations } from '@holdfast/server/doors/s3/operations.ts'
import { adminKey, type Lab, s3Key } from '../access/open-lab.ts'
import { sign } from '../access/s3/sign.ts'
import type { Run } from '../runner/program.ts'
import { hostileJson, hostileQueries, hostileXml } from './hostile.ts'

/** Slow answers would be seen as hangs of everybody else. */
const msMax = 5000

/** Bodies and queries of every route of the table: refused with words, nothing breaks. */
export async function injectRequests(run: Run, lab: Lab): Promise<void> {
  const key = { 'x-api-key': adminKey }
  for (const [operation, route] of Object.entries<Route>(routes)) {
    const path = pathOf(route)
    if (route.body?.kind === 'json') {
      for (const text of hostileJson) {
        const headers = { ...key, 'content-type': 'application/json' }
        const body = Buffer.from(text)
        await ask(run, lab, { operation, method: route.method, path, headers, body, text })
        run.count('JSON bodies')
      }
    }
    for (const text of hostileQueries) {
      const { method } = route
      await ask(run, lab, { operation, method, path: `${path}?${text}`, headers: key, text })
      run.count('queries')
    }
  }
}

interface Hostile {
  readonly operation: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
  readonly text: string
}

async function ask(run: Run, lab: Lab, hostile: Hostile): Promise<void> {
  const { operation, method, path, headers, body, text } = hostile
  const startedMs = performance.now()
  // A server that will not read so much says so and closes while it is still being sent.
  const answer = await lab.rest.ask({ method, path, headers, body }).catch(() => undefined)
  const tookMs = performance.now() - startedMs
  const what = `${operation} ${JSON.stringify(text.slice(0, 60))}`
  if (answer !== undefined && answer.status >= 500) run.fail(`${what}: ${answer.text}`)
  else if (tookMs > msMax) run.fail(`${what}: took ${Math.round(tookMs)} ms`)
  else if (isPolluted()) run.fail(`${what}: polluted a prototype`)
  else run.pass()
}

/** The server runs in this process: what it did to the prototypes shows here. */
function isPolluted(): boolean {
  const names: object = {}
  return 'polluted' in names || 'polluted' in [] || 'polluted' in (() => undefined)
}

function pathOf(route: Route): string {
  return route.path.replaceAll(/\{(\w+)\+?\}/g, (_, name: string) => {
    if (name === 'bucket') return 'inject'
    return /id$/.test(name) ? randomUUID() : 'x'
  })
}

/** XML for every operation of S3 that reads some. */
export async function injectXml(run: Run, lab: Lab): Promise<void> {
  const readers = Object.entries<OperationRow>(operations).filter(
    ([name, { method, state }]) => method !== 'GET' && state !== 'refused' && readsXml.test(name),
  )
  for (const [name, { method, level, sub = '' }] of readers) {
    for (const body of hostileXml) {
      const path = level === 'bucket' ? '/inject' : '/inject/xml'
      const query = sub === 'uploadId' ? { uploadId: 'x' } : { [sub]: '' }
      const signing = { pair: s3Key, host: lab.s3.host, nowMs: lab.now(), mode: 'header' } as const
      const startedMs = performance.now()
      const { status, text } = await lab.s3.ask(sign({ method, path, query, body }, signing))
      run.count('XML bodies')
      const what = `${name} ${JSON.stringify(body.slice(0, 60))}: ${status} ${text.slice(0, 200)}`
      if (status >= 500) run.fail(what)
      else if (/root:|bbbbbbbb/.test(text)) run.fail(`${what}: an entity was resolved`)
      else if (performance.now() - startedMs > msMax) run.fail(`${what}: took too long`)
      else run.pass()
    }
  }
}

const readsXml = /^(Put(Bucket|Object|Public)\w+|CompleteMultipartUpload|DeleteObjects)$/
