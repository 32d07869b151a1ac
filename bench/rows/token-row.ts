import { waitForQuiet } from '@holdfast/load/machine-load.ts'
import { type FigureResult, medianOf } from '../report/row-result.ts'
import type { Server } from '../servers/server.ts'
import { type BenchContext, load, startIn } from './bench-context.ts'
import { fill, getTraffic, newTag, type ObjectSet } from './objects.ts'

const sizeBytes = 4096
const count = 100
const password = 'Bench-Horse-7-Battery'

export const tokenName = 'GET 4 KiB, 1 connection: what the check of a credential adds at p50'

/**
 * The same public objects without a credential, with an API key and with an access token, in turns
 * on one server: what is apart is the check. A token that was shown before is known; the first
 * request of each is measured on its own, since that one asks for signature, owner and session.
 */
export async function measureToken(context: BenchContext): Promise<FigureResult> {
  await using subject = await startIn(context, context.startSubject)
  const { server } = subject
  const objects = { folder: 'set', sizeBytes, tag: newTag() }
  await fill(context, server, { ...objects, count })
  const { headers: key } = server.place('set')
  const tokens = await newTokens(server, key)
  const credentials = {
    none: {},
    'API key': key,
    token: bearer(tokens),
  }
  const errors: Record<string, number> = {}
  const micros = { none: [0], 'API key': [0], token: [0] }
  for (let pair = -1; pair < context.mode.pairs; pair += 1) {
    await waitForQuiet(context.mode.patienceMs)
    for (const [name, headers] of Object.entries(credentials)) {
      const outcome = await load(context, server, {
        connections: 1,
        traffic: trafficWith(server, objects, headers),
        until: { durationMs: context.mode.durationMs },
      })
      Object.assign(errors, outcome.errors)
      if (name === 'none' || name === 'API key' || name === 'token') {
        // The first round warms up.
        if (pair === 0) micros[name].length = 0
        micros[name].push(outcome.latency.p50Ms * 1000)
      }
    }
  }
  const added = (name: 'API key' | 'token') => {
    const apart = micros[name].map((value, at) => value - (micros.none[at] ?? Number.NaN))
    return `${medianOf(apart).toFixed(1)} µs more`
  }
  const first = await firstTimes(context, { server, objects, tokens, errors })
  return {
    name: tokenName,
    durability: 'reads',
    figures: {
      'no credential': `${medianOf(micros.none).toFixed(1)} µs`,
      'API key': added('API key'),
      'access token': added('token'),
      'the same for the first time': `${first.toFixed(1)} µs more`,
    },
    errors,
  }
}

function trafficWith(server: Server, objects: ObjectSet, headers: Record<string, string>) {
  return { ...getTraffic(server, objects, { count, hashEvery: 0 }), headers }
}

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

function bearer({ access_token: token }: Tokens): Record<string, string> {
  return { Authorization: `Bearer ${token}` }
}

/** Rounds of one request without a credential and one with a token that nobody has seen yet. */
const FIRSTS_OF_PAIR = 20

/** Microseconds at the median; each request has a connection of its own, with and without. */
async function firstTimes(
  context: BenchContext,
  on: {
    readonly server: Server
    readonly objects: ObjectSet
    readonly tokens: Tokens
    readonly errors: Record<string, number>
  },
): Promise<number> {
  const { server, objects, errors } = on
  const once = async (headers: Record<string, string>): Promise<number> => {
    const traffic = trafficWith(server, objects, headers)
    const outcome = await load(context, server, {
      ...{ connections: 1, traffic },
      until: { operations: 1 },
    })
    Object.assign(errors, outcome.errors)
    return outcome.latency.p50Ms * 1000
  }
  const apart: number[] = []
  let { tokens } = on
  await once({})
  for (let at = 0; at < FIRSTS_OF_PAIR * context.mode.pairs; at += 1) {
    tokens = await ask<Tokens>(server, {}, 'POST auth/refresh', {
      refresh_token: tokens.refresh_token,
    })
    const none = await once({})
    apart.push((await once(bearer(tokens))) - none)
  }
  return medianOf(apart)
}

/** Opens the bucket to all, and logs in as a user of no other rights than its own. */
async function newTokens(server: Server, key: Readonly<Record<string, string>>): Promise<Tokens> {
  const username = 'measured'
  await ask(server, key, 'PUT buckets/holdfast', { public_read: true })
  await ask(server, key, 'POST users', { username, password, must_change_password: false })
  return await ask<Tokens>(server, key, 'POST auth/login', { username, password })
}

async function ask<Answer>(
  { port }: Server,
  headers: Readonly<Record<string, string>>,
  line: string,
  body: object,
): Promise<Answer> {
  const [method, path] = line.split(' ')
  const answer = await fetch(`http://127.0.0.1:${port}/api/v2/${path}`, {
    ...(method !== undefined && { method }),
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${line}: ${answer.status} ${text}`)
  return JSON.parse(text)
}
