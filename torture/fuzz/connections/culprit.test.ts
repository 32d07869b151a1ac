import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Besieged } from './besieged.ts'
import { calmFirst, type Plan, planOf } from './plans.ts'
import { quiet, smallServer } from './small-server.ts'
import { culprit } from './storm.ts'

const seed = 3
/** Each waits for its answer, so the server has met it when the judge looks. */
const plans = Array.from({ length: calmFirst }, (_, number) => planOf(seed, number))
const puts = plans.filter(({ door, kind }) => door === 'rest' && kind.startsWith('put'))

interface Harm {
  /** Of the connections that a server has met, those with these numbers do harm together. */
  readonly together: readonly number[]
  readonly ends?: boolean
}

/** Servers to which something stays when they have met all that does harm. */
async function search({ together, ends = false }: Harm, of: readonly Plan[], msMax = 60_000) {
  let started = 0
  let killed = 0
  const start = async (): Promise<Besieged & { kill(): Promise<void> }> => {
    started += 1
    const met = new Set<number>()
    const server = await smallServer((request, response) => {
      const written = /\/(?:whole|mangled)\/(\d+)-/.exec(request.url ?? '')?.[1]
      met.add(Number(written) - 1)
      request.resume().on('end', () => response.end('fine'))
    })
    const isHarmed = () => together.every(number => met.has(number))
    return {
      ...server,
      get ended() {
        return ends && isHarmed() ? 'the server ended' : undefined
      },
      counts: async () => ({ ...quiet, inFlight: !ends && isHarmed() ? 1 : 0 }),
      kill: async () => {
        killed += 1
        await server[Symbol.asyncDispose]()
      },
    }
  }
  const found = await culprit(of, { start, seed, msMax, settleMs: 0 })
  assert.equal(killed, started)
  return { found, started }
}

function numberOf(at: number): number {
  const { number } = puts.at(at) ?? {}
  assert.ok(number !== undefined)
  return number
}

test('the one connection that leaves something behind is found wherever it is', async () => {
  for (const at of [0, 2, -1]) {
    const number = numberOf(at)
    const { found } = await search({ together: [number] }, plans)
    assert.match(found ?? '', new RegExp(`^connection ${number}: rest, put`))
  }
})

test('the one that ends the server is found, too', async () => {
  const { found } = await search({ together: [numberOf(1)], ends: true }, plans)
  assert.match(found ?? '', new RegExp(`^connection ${numberOf(1)}: rest, put`))
})

test('what two do together, or none at all, is laid to nobody', async () => {
  // The first and the last are in different halves from the beginning.
  const two = [numberOf(0), numberOf(-1)]
  assert.equal((await search({ together: two }, puts)).found, undefined)
  assert.equal((await search({ together: [calmFirst] }, plans)).found, undefined)
  assert.equal((await search({ together: [calmFirst] }, [])).found, undefined)
})

test('a single suspect is tried before it is named', async () => {
  const number = numberOf(0)
  const suspects = plans.slice(number, number + 1)
  const other = await search({ together: [calmFirst] }, suspects)
  assert.deepEqual(other, { found: undefined, started: 1 })
  assert.ok((await search({ together: [number] }, suspects)).found !== undefined)
})

test('when its time is over nobody is named', async () => {
  const late = await search({ together: [numberOf(0)] }, plans, 0)
  assert.deepEqual(late, { found: undefined, started: 0 })
})
