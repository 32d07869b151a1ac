import { describe, test } from 'node:test'
import { engineHunts, huntInEngine } from './engine-hunts.ts'

/** What T21 lets loose on mutants, one in a few a run; here all of them, on honest sources. */
describe('without a bug, nothing is found by the hunt', () => {
  for (const [name, hunt] of Object.entries(engineHunts)) {
    test(name, async () => await huntInEngine(hunt))
  }
})
