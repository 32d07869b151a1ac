import { test } from 'node:test'
import { runSeed } from '@holdfast/testkit/seeded-random.ts'
import { checkMatrix } from './check-matrix.ts'
import { tellStories, writesEnv } from './writes/story.ts'

/** T10 tells many more with `--long`, of its own seed. */
const stories = 8
const seed = runSeed(1)

test('random writes under random rights do, and open, what a plain rule allows', async () => {
  const run: Parameters<typeof checkMatrix>[0] = async (lab, report) => {
    const seeds = Array.from({ length: stories }, (_, at) => seed * 1000 + at)
    await tellStories(lab, report, { seeds, steps: 40 })
  }
  const minimum = { stories, 'writes done': 60, 'writes refused': 30, requests: 4000 }
  await checkMatrix(run, minimum, { env: writesEnv })
})
