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
 * on one server: what is apart is the check, for the token its signature, owner and session.
 */
export async function measureToken(context: BenchContext): Promise<FigureResult> {
  await using subject = await startIn(context, context.startSubject)
  const { server } = subject
  const objects = { folder: 'set', sizeBytes, tag: newTag() }
  await fill(context, server, { ...objects, count })
  const { headers: key } = server.place('set')
  const credentials = {
    none: {},
    'API key': key,
    token: { Authorization: `Bearer ${await newToken(server, key)}` },
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
  return {
    name: tokenName,
    durability: 'reads',
    figures: {
      'no credential': `${medianOf(micros.none).toFixed(1)} µs`,
      'API key': added('API key'),
      'access token': added('token'),
    },
    errors,
  }
}

function trafficWith(server: Server, objects: ObjectSet, headers: Record<string, string>) {
  return { ...getTraffic(server, objects, { count, hashEvery: 0 }), headers }
}

/** Opens the bucket to all, and logs in as a user of no other rights than its own. */
async function newToken(server: Server, key: Readonly<Record<string, string>>): Promise<string> {
  const ask = async (method: string, path: string, body: object): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${server.port}/api/v2/${path}`, {
      method,
      headers: { ...key, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return await answer.text()
  }
  const username = 'measured'
  await ask('PUT', 'buckets/holdfast', { public_read: true })
  await ask('POST', 'users', { username, password, must_change_password: false })
  const tokens: { access_token: string } = JSON.parse(
    await ask('POST', 'auth/login', { username, password }),
  )
  return tokens.access_token
}
