import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { checkMatrix } from './check-matrix.ts'
import { notRaced } from './races/elsewhere.ts'
import { factorActs, peopleActs } from './races/people-acts.ts'
import { raceEnv, runRaces } from './races/run-races.ts'
import { thingActs } from './races/thing-acts.ts'

/** T10 runs more of them with `--long`; here it is another part each day. */
const of = 100
const day = Math.floor(Date.now() / 86_400_000)
const at = day % of
/** Whoever waits has many waits, so of these it is a smaller part. */
const waits = { of: of * 20, at: day % (of * 20), waits: true }

test(`two changes at a time are as one after the other, part ${at} of ${of}`, async () => {
  const run: Parameters<typeof checkMatrix>[0] = async (lab, report) => {
    await runRaces(lab, report, [{ of, at }, waits])
  }
  await checkMatrix(run, { races: 240 }, { env: raceEnv })
})

test('whatever changes something is raced, or says why not', () => {
  const acts = [...thingActs('plain'), ...peopleActs(), ...factorActs()]
  const raced = new Set(acts.map(({ name }) => name.split(' ')[0]))
  const changing = Object.entries<Route>(routes).filter(([, { method }]) => method !== 'GET')
  const missing = changing
    .filter(([name, { method }]) => method !== 'HEAD' && !raced.has(name))
    .map(([name]) => name)
  assert.deepEqual(missing.sort(), Object.keys(notRaced).sort())
})
